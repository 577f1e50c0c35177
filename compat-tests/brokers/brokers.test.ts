import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { differences } from '../differential/compare.ts'
import { line } from '../differential/play.ts'
import { needs } from '../requirements.ts'
import { againstApacheKafka } from '../test-broker.ts'
import { ApacheKafkaBrokers } from './apache-kafka-brokers.ts'
import { changeScenarios } from './change-scenarios.ts'
import { clusterScenarios } from './cluster-scenarios.ts'
import { files } from './files.ts'
import { createOffsetsTopic, groupScenarios } from './group-scenarios.ts'
import { otherBrokerScenarios } from './other-broker-scenarios.ts'
import { OttlaBrokers } from './ottla-brokers.ts'
import type { Scenario } from './scenario.ts'
import { Side } from './side.ts'
import { stateScenarios } from './state-scenarios.ts'
import { toolScenarios } from './tool-scenarios.ts'
import { createTransactionsTopic, transactionScenarios } from './transaction-scenarios.ts'

const scenarios: readonly Scenario[] = [
  ...clusterScenarios,
  ...otherBrokerScenarios,
  ...groupScenarios,
  ...transactionScenarios,
  ...changeScenarios,
  ...toolScenarios,
  ...stateScenarios,
]

describe('three brokers of Apache Kafka 4.4.0 and three of Ottla', function () {
  this.timeout(120_000)
  needs('java', 'maven')
  let runner: ToolRunner | undefined
  let folder: string
  let sides: readonly Side[] = []

  before(async function () {
    this.timeout(300_000)
    folder = mkdtempSync(join(tmpdir(), 'ottla-test-files-'))
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const program = againstApacheKafka ? ApacheKafkaBrokers : OttlaBrokers
    const [tools, ...clusters] = await Promise.all([
      ToolRunner.start('4.4.0'),
      ApacheKafkaBrokers.start(),
      program.start(),
    ])
    runner = tools
    sides = clusters.map((cluster) => new Side(cluster, tools, folder))
    await Promise.all(sides.map(createOffsetsTopic))
    await Promise.all(sides.map(createTransactionsTopic))
  })
  after(async () => {
    for (const side of sides) side.close()
    await Promise.all([...sides.map(({ cluster }) => cluster.dispose()), runner?.close()])
    rmSync(folder, { recursive: true, force: true })
  })

  for (const scenario of scenarios)
    it(scenario.name, async () => {
      const played = await Promise.allSettled(sides.map((side) => scenario.run(side)))
      const [kafka, ottla] = sides.map((side) => side.takeExchanges())
      const failures = played.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []))
      // If one did not get to the end, what it answered until then is compared.
      const end = failures.length > 0 ? Math.min(kafka!.length, ottla!.length) : undefined
      const found = differences(kafka!.slice(0, end), ottla!.slice(0, end)).map(line)
      if (failures.length + found.length > 0) throw new Error([...failures, ...found].join('\n'))
    })

  it('nothing failed inside Ottla meanwhile', () => {
    expect(sides.flatMap(({ cluster }) => cluster.errors)).to.deep.equal([])
  })
})
