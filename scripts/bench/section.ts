import type { TestBroker } from '../../compat-tests/test-broker.ts'

/** A broker to measure: Ottla, or Apache Kafka beside it. */
export interface Contender {
  readonly name: 'Ottla' | 'Apache Kafka'
  readonly start: () => Promise<TestBroker>
  /** A broker that was not started yet: `restart()` does that. The function fills its data directory. */
  readonly onData: (fill: (dataDir: string) => void) => Promise<TestBroker>
  /** The broker that sections share; started once, and warm unless the section is cold. */
  readonly broker: TestBroker
}

/** One figure of one run. */
export interface Figure {
  readonly name: string
  readonly unit: string
  readonly value: number
  readonly best: 'lowest' | 'highest'
  /** Whose it is, where not the contender's that was measured: what Ottla alone stands beside. */
  readonly of?: string
  /** Printed behind it. */
  readonly note?: string
}

/** A data directory of a broker that was stopped, and how to get rid of it. */
export interface PreparedData {
  readonly dataDir: string
  dispose(): void
}

/** A part of the benchmark. `run` is called several times for each contender, in turn; the best of each figure counts. */
export interface Section {
  readonly name: string
  /** Fewer runs where one takes long. */
  readonly runs?: number
  /** Starts brokers of its own: needs no warm one, and runs before there is one. */
  readonly cold?: boolean
  /** Ottla alone, where Apache Kafka has nothing to compare. */
  readonly alone?: boolean
  /** Made once, before the first run, for the runs to take copies of. */
  readonly prepare?: (options: { readonly quick: boolean }) => Promise<PreparedData>
  run(contender: Contender, options: { readonly quick: boolean; readonly dataDir: string }): Promise<readonly Figure[]>
}
