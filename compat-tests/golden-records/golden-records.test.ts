import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { kafkaClassPath } from '../../scripts/kafka-tool.ts'
import { javaProgram } from '../java-program.ts'
import { needs } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { describeFile, recordFiles } from './record-files.ts'

const GOLDEN = join(import.meta.dirname, 'data')
const PROGRAM = join(import.meta.dirname, 'RecordFiles.java')

const ours = recordFiles()
const golden = (name: string) => readFileSync(join(GOLDEN, `${name}.bin`))

describe("record batches of Kafka's own classes", () => {
  it('are all there', () => {
    const names = readdirSync(GOLDEN).filter((name) => name.endsWith('.bin'))
    expect(names).to.have.members([...ours.keys()].map((name) => `${name}.bin`))
  })

  for (const [name, bytes] of ours) {
    it(`${name} holds what we would write`, () => {
      expect(describeFile(golden(name))).to.deep.equal(describeFile(bytes))
    })

    if (/none|commit|abort|change|empty/.test(name)) {
      it(`${name} is ours, byte for byte`, () => {
        expect(golden(name).toString('hex')).to.equal(bytes.toString('hex'))
      })
    }
  }
})

describe('record batches of ours', function () {
  this.timeout(120_000)
  needs('java')
  let directory: string

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'ottla-records-'))
  })

  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true })
  })

  it("are read by Kafka's own classes: every format, codec and kind", async () => {
    for (const [name, bytes] of ours) writeFileSync(join(directory, `${name}.bin`), bytes)
    const command = await javaProgram(PROGRAM, await kafkaClassPath('4.4.0'), '-Xmx256m')
    const { stdout } = await runCommandWell([...command, 'read', directory])
    const expected = [...ours.keys()].sort().flatMap((name) => [`file ${name}`, ...describeFile(ours.get(name)!)])
    expect(stdout.trim().split('\n')).to.deep.equal(expected)
  })
})
