import { cpSync } from 'node:fs'
import type { BrokerProgram } from '../broker-program.ts'
import { TestBroker } from '../test-broker.ts'

/** Starts a program on a copy of another broker's data. */
export async function startOn(program: BrokerProgram, other: TestBroker): Promise<TestBroker> {
  const copy = (dataDir: string) =>
    cpSync(other.dataDir, dataDir, { recursive: true, filter: (path) => !path.endsWith('.lock') })
  return TestBroker.start({ program: { ...program, prepare: ({ dataDir }) => copy(dataDir) } })
}
