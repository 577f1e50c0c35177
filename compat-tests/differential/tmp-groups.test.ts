import { RawClient } from '../raw-client.ts'
import { differences } from './compare.ts'
import { groupScenarios } from './group-scenarios.ts'
import { offsetScenarios } from './offset-scenarios.ts'
import { Transcript } from './transcript.ts'

const ports = process.env.PORTS!.split(',').map(Number)
describe('diff', function () {
  this.timeout(60000)
  for (const scenario of [...groupScenarios, ...offsetScenarios])
    it(scenario.name, async () => {
      const [a, b] = await Promise.all(
        ports.map(async (port) => {
          const t = new Transcript()
          const cs: RawClient[] = []
          const open = async () => {
            const c = await RawClient.connect(port)
            cs.push(c)
            return t.sender(c)
          }
          try {
            await scenario.run(await open(), open)
          } catch (e) {
            t.exchanges.push({ label: 'end', answer: (e as Error).message })
          } finally {
            for (const c of cs) c.close()
          }
          return t.exchanges
        }),
      )
      const d = differences(a!, b!)
      if (d.length > 0) throw new Error(JSON.stringify(d, null, 1))
    })
})
