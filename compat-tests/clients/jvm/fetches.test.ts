import { join } from 'node:path'
import { expect } from 'chai'
import { kafkaClassPath } from '../../../scripts/kafka-tool.ts'
import { javaProgram } from '../../java-program.ts'
import { needs } from '../../requirements.ts'
import { runCommandWell } from '../../run-command.ts'
import { TestBroker } from '../../test-broker.ts'

/** With fetch.max.wait.ms=500 there are two fetches a second; without the wait there are hundreds. */
const MOST_FETCHES = 30

describe("fetches of Apache Kafka's own consumer", function () {
  needs('java', 'maven')
  this.timeout(120_000)
  let broker: TestBroker

  before(async () => {
    broker = await TestBroker.start()
  })
  after(() => broker?.dispose())

  it('wait beside a partition whose topic was deleted', async () => {
    const program = join(import.meta.dirname, 'FetchesBesideMissing.java')
    const command = await javaProgram(program, await kafkaClassPath('4.4.0'), '-Xmx256m')
    const { stdout } = await runCommandWell([...command, broker.bootstrap])
    const counts = stdout.trim().split('\n').map(Number)
    expect(counts).to.have.length(3)
    for (const count of counts) expect(count).to.be.within(1, MOST_FETCHES)
  })
})
