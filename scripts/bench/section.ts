import type { TestBroker } from '../../compat-tests/test-broker.ts'

/** A broker to measure: Ottla or Apache Kafka. */
export interface Contender {
  readonly name: 'Ottla' | 'Apache Kafka'
  readonly start: () => Promise<TestBroker>
  /** Prepares a broker without starting it; `restart()` starts it. The function fills its data directory. */
  readonly onData: (fill: (dataDir: string) => void) => Promise<TestBroker>
  /** Broker shared by sections; started once, and warm unless the section is cold. */
  readonly broker: TestBroker
}

/** One figure of one run. */
export interface Figure {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly best: 'lowest' | 'highest'
  /** Owner of the figure if it is not the measured contender: a reference that only Ottla is compared with. */
  readonly of?: string
  /** Printed after the figure. */
  readonly note?: string
}

/** Data directory of a stopped broker, and how to delete it. */
export interface PreparedData {
  readonly dataDir: string
  dispose(): void
}

/**
 * A part of the benchmark. `run` is called several times for each contender, in turn; the best of each figure counts.
 */
export interface Section {
  readonly name: string
  /** Fewer runs for a long section. */
  readonly runs?: number
  /** Starts its own brokers: needs no warm broker, and runs before there is one. */
  readonly cold?: boolean
  /** Only Ottla: Apache Kafka has nothing comparable. */
  readonly alone?: boolean
  /** Creates data once, before the first run; the runs use copies. */
  readonly prepare?: (options: { readonly quick: boolean }) => Promise<PreparedData>
  run(contender: Contender, options: { readonly quick: boolean; readonly dataDir: string }): Promise<readonly Figure[]>
}
