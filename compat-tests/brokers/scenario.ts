import type { Side } from './side.ts'

/** Requests, tools, stops and starts, in the same order at both clusters. Each finds and leaves all brokers running. */
export interface Scenario {
  readonly name: string
  run(side: Side): Promise<void>
}
