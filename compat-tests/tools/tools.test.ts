import { expect } from 'chai'
import { needs } from '../requirements.ts'
import { families, versions } from './families.ts'
import { files } from './files.ts'
import { type Outcome, Side } from './side.ts'
import { type ToolCase, type ToolFamily, toolCase } from './tool-case.ts'
import { transactions, transactionVersions } from './transactions.ts'

/** Commands after which the next one may see another broker. */
const CHANGES = /\b(create|alter|delete|execute|upgrade|downgrade|disable)\b/

const compared: readonly (readonly [version: string, families: readonly ToolFamily[]])[] = [
  ...versions.map((version) => [version, families] as const),
  ...transactionVersions.map((version) => [version, [transactions]] as const),
]

for (const [version, ofIt] of compared) {
  describe(`the tools of ${version}, at Apache Kafka 4.4.0 and at Ottla`, function () {
    this.timeout(600_000)
    needs('java', 'maven')
    let sides: readonly Side[] = []

    before(async () => {
      sides = await Side.pair(version, files)
    })
    after(() => Promise.all(sides.map((side) => side.close())))

    async function difference(each: ToolCase): Promise<string | undefined> {
      const [kafkaSide, ottlaSide] = sides
      if (each.endsOnly !== undefined) {
        const own = await ottlaSide!.run(each)
        return own.code === null ? own.output : undefined
      }
      const [kafka, own] = await Promise.all([kafkaSide!.run(each), ottlaSide!.run(each)])
      const isSame = kafka.code === own.code && kafka.output === own.output
      return isSame === (each.differs === undefined) ? undefined : comparison(each.command, kafka, own)
    }

    /** Runs all cases and reports all differences. */
    async function compare(family: ToolFamily): Promise<void> {
      const differing: string[] = []
      for (const each of family.cases(version)) {
        const found = await difference(toolCase(each))
        if (found !== undefined) differing.push(found)
        if (CHANGES.test(toolCase(each).command)) await Promise.all(sides.map((side) => side.changesAreApplied()))
      }
      expect(differing.join('\n\n')).to.equal('')
    }

    for (const family of ofIt.filter(({ cases }) => cases(version).length > 0)) it(family.title, () => compare(family))
  })
}

/** Lines that only one of the outputs has, and both exit codes. */
function comparison(command: string, kafka: Outcome, own: Outcome): string {
  const lines = ({ code, output }: Outcome) => [`exit code ${code}`, ...output.split('\n')]
  const only = (some: readonly string[], others: readonly string[], sign: string) =>
    some.filter((line) => !others.includes(line)).map((line) => `  ${sign} ${line}`)
  const [theirs, ours] = [lines(kafka), lines(own)]
  const found = [...only(theirs, ours, 'Kafka:'), ...only(ours, theirs, 'Ottla:')]
  return [command, ...(found.length > 0 ? found : ['  the same lines, in another order or number'])].join('\n')
}
