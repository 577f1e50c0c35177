import { expect } from 'chai'
import { type CommittedLog, checkHistory } from './check-history.ts'
import type { History, HistoryWriter, Operation, Transaction } from './history.ts'

const send = (partition: number, value: string, offset?: number): Operation => ({
  sent: { partition, value, ...(offset === undefined ? {} : { offset }) },
})
const poll = (...records: readonly (readonly [partition: number, offset: number, value: string])[]): Operation => ({
  polled: records.map(([partition, offset, value]) => ({ partition, offset, value })),
})

/** Records of each partition, as [offset, value]. */
function log(...partitions: readonly (readonly (readonly [offset: number, value: string])[])[]): CommittedLog {
  return partitions.map((records, partition) => records.map(([offset, value]) => ({ partition, offset, value })))
}

interface Wishes {
  readonly process?: string
  readonly outcome?: Transaction['outcome']
  readonly at: readonly [startMs: number, endMs: number]
  readonly operations: readonly Operation[]
}

const writers = new Map<string, HistoryWriter>()

function writer(name: string): HistoryWriter {
  const made = writers.get(name) ?? { name, transactionalId: name, readyMs: 0 }
  writers.set(name, made)
  return made
}

function transaction({ process = 'p', outcome = 'committed', at: [startMs, endMs], operations }: Wishes): Transaction {
  return { process: writer(process), outcome, startMs, operations, ...(outcome === 'unknown' ? {} : { endMs }) }
}

const first = transaction({ process: 'p', at: [0, 10], operations: [send(0, 'a', 0), send(1, 'b', 0)] })
const second = transaction({ process: 'q', at: [20, 30], operations: [poll([0, 0, 'a']), send(0, 'c', 2)] })
const sound = log(
  [
    [0, 'a'],
    [2, 'c'],
  ],
  [[0, 'b']],
)

/** Asserts that there is one failure, which begins with this. */
function finds(what: string, history: History, committed: CommittedLog): void {
  const failures = checkHistory(history, committed)
  expect(failures.map((each) => each.slice(0, what.length))).to.deep.equal([what])
}

describe('the check of a history', () => {
  it('finds nothing in a sound one', () => {
    const third = transaction({
      process: 'p',
      at: [12, 32],
      operations: [poll([1, 0, 'b']), poll([0, 0, 'a'], [0, 2, 'c'])],
    })
    expect(checkHistory([first, second, third], sound)).to.deep.equal([])
  })

  it('accepts what is unknown, whole or not at all', () => {
    const unknown = transaction({ outcome: 'unknown', at: [0, 0], operations: [send(0, 'a'), send(1, 'b')] })
    expect(checkHistory([unknown], log([], []))).to.deep.equal([])
    expect(checkHistory([unknown], log([[4, 'a']], [[7, 'b']]))).to.deep.equal([])
  })

  it('accepts writes in other orders in two partitions', () => {
    const one = transaction({ process: 'p', at: [0, 10], operations: [send(0, 'a', 0), send(1, 'b', 1)] })
    const other = transaction({ process: 'q', at: [0, 10], operations: [send(0, 'c', 1), send(1, 'd', 0)] })
    expect(
      checkHistory(
        [one, other],
        log(
          [
            [0, 'a'],
            [1, 'c'],
          ],
          [
            [0, 'd'],
            [1, 'b'],
          ],
        ),
      ),
    ).to.deep.equal([])
  })

  it('finds a committed record that is not in the log', () => {
    finds(
      'lost write: b of p',
      [first, second],
      log(
        [
          [0, 'a'],
          [2, 'c'],
        ],
        [],
      ),
    )
  })

  it('finds a record that is in the log twice', () => {
    finds(
      'duplicate write: c at 0@5',
      [first, second],
      log(
        [
          [0, 'a'],
          [2, 'c'],
          [5, 'c'],
        ],
        [[0, 'b']],
      ),
    )
  })

  it('finds a record at another offset than acknowledged', () => {
    finds(
      'misplaced write: b at 1@1',
      [first, second],
      log(
        [
          [0, 'a'],
          [2, 'c'],
        ],
        [[1, 'b']],
      ),
    )
  })

  it('finds an aborted record in the log', () => {
    const aborted = transaction({ outcome: 'aborted', at: [40, 50], operations: [send(1, 'x', 2)] })
    finds(
      'aborted write is in the log: x',
      [first, second, aborted],
      log(
        [
          [0, 'a'],
          [2, 'c'],
        ],
        [
          [0, 'b'],
          [2, 'x'],
        ],
      ),
    )
  })

  it('finds half of a transaction in the log', () => {
    const unknown = transaction({ outcome: 'unknown', at: [40, 50], operations: [send(0, 'x'), send(1, 'y')] })
    finds(
      'torn write: p at 40 ms (unknown) has x, not y',
      [first, second, unknown],
      log(
        [
          [0, 'a'],
          [2, 'c'],
          [4, 'x'],
        ],
        [[0, 'b']],
      ),
    )
  })

  it('finds a read of an aborted record', () => {
    const aborted = transaction({ outcome: 'aborted', at: [11, 12], operations: [send(1, 'x', 2)] })
    const reader = transaction({ process: 'q', at: [40, 50], operations: [poll([1, 0, 'b'], [1, 2, 'x'])] })
    finds('aborted read: x at 1@2', [first, second, aborted, reader], sound)
  })

  it('finds a read of what is not committed in the end', () => {
    const unknown = transaction({ outcome: 'unknown', at: [11, 12], operations: [send(1, 'x')] })
    const reader = transaction({ process: 'q', at: [40, 50], operations: [poll([1, 0, 'b'], [1, 2, 'x'])] })
    finds('read what is not committed: x at 1@2', [first, second, unknown, reader], sound)
  })

  it('finds a read of what nobody wrote', () => {
    const reader = transaction({ process: 'q', at: [40, 50], operations: [poll([1, 0, 'b'], [1, 2, 'x'])] })
    finds('read what nobody wrote: x at 1@2', [first, second, reader], sound)
  })

  it('finds a transaction that reads its own records', () => {
    const selfish = transaction({ at: [40, 50], operations: [send(1, 'x', 2), poll([1, 0, 'b'], [1, 2, 'x'])] })
    const failures = checkHistory(
      [first, second, selfish],
      log(
        [
          [0, 'a'],
          [2, 'c'],
        ],
        [
          [0, 'b'],
          [2, 'x'],
        ],
      ),
    )
    expect(failures[0]).to.match(/^read its own write before the end: x/)
  })

  it('finds a record read at another offset than it is', () => {
    const reader = transaction({ process: 'r', at: [40, 50], operations: [poll([1, 7, 'b'])] })
    finds('inconsistent offset: b at 1@7', [first, second, reader], sound)
  })

  it('finds a skipped record', () => {
    const reader = transaction({ process: 'r', at: [40, 50], operations: [poll([0, 2, 'c'])] })
    finds('skipped poll: c at 0@2 instead of 0@0', [first, second, reader], sound)
  })

  it('finds a record that is read again', () => {
    const reader = transaction({ process: 'r', at: [40, 50], operations: [poll([0, 0, 'a']), poll([0, 0, 'a'])] })
    finds('non-monotonic poll: a at 0@0 instead of 0@2', [first, second, reader], sound)
  })

  it('finds a gap between two transactions, also aborted ones', () => {
    const more = transaction({ at: [35, 36], operations: [send(0, 'd', 4)] })
    const one = transaction({ process: 'r', outcome: 'aborted', at: [40, 50], operations: [poll([0, 0, 'a'])] })
    const other = transaction({ process: 'r', at: [60, 70], operations: [poll([0, 4, 'd'])] })
    const committed = log(
      [
        [0, 'a'],
        [2, 'c'],
        [4, 'd'],
      ],
      [[0, 'b']],
    )
    finds('skipped poll: d at 0@4 instead of 0@2', [first, second, more, one, other], committed)
  })

  it('finds records of a transaction out of order', () => {
    const disordered = transaction({ at: [40, 50], operations: [send(1, 'x', 3), send(1, 'y', 2)] })
    finds(
      'non-monotonic send: y at 1@2 after x at 1@3',
      [first, second, disordered],
      log(
        [
          [0, 'a'],
          [2, 'c'],
        ],
        [
          [0, 'b'],
          [2, 'y'],
          [3, 'x'],
        ],
      ),
    )
  })

  it('finds a record before one that was acknowledged earlier', () => {
    const late = transaction({ at: [12, 15], operations: [send(0, 'x', 5)] })
    const failures = checkHistory(
      [first, second, late],
      log(
        [
          [0, 'a'],
          [2, 'c'],
          [5, 'x'],
        ],
        [[0, 'b']],
      ),
    )
    expect(failures).to.have.length(1)
    expect(failures[0]).to.match(/^non-monotonic send: c at 0@2 by q/)
  })

  it('finds a commit of a producer that was fenced before it began', () => {
    const replacement: HistoryWriter = { name: 'p again', transactionalId: 'p', readyMs: 38 }
    const ready = { process: replacement, outcome: 'committed', operations: [], startMs: 60, endMs: 70 } as const
    const begunBefore = transaction({ at: [35, 39], operations: [send(1, 'x', 2)] })
    const begunAfter = transaction({ at: [40, 50], operations: [send(1, 'y', 4)] })
    const committed = log(
      [
        [0, 'a'],
        [2, 'c'],
      ],
      [
        [0, 'b'],
        [2, 'x'],
        [4, 'y'],
      ],
    )
    finds('commit of a fenced producer: p at 40 ms', [first, second, ready, begunBefore, begunAfter], committed)
  })

  it('finds two transactions that read each other', () => {
    const one = transaction({ process: 'p', at: [0, 10], operations: [send(0, 'a', 0), poll([1, 0, 'b'])] })
    const other = transaction({ process: 'q', at: [0, 10], operations: [send(1, 'b', 0), poll([0, 0, 'a'])] })
    finds('cycle: ', [one, other], log([[0, 'a']], [[0, 'b']]))
  })

  it('finds a read of what was asked for after the reader had ended', () => {
    const reader = transaction({ process: 'r', at: [0, 5], operations: [poll([1, 0, 'b'])] })
    const writer = transaction({ process: 'p', at: [20, 30], operations: [send(1, 'b', 0)] })
    finds('cycle: ', [reader, writer], log([], [[0, 'b']]))
  })

  it('finds a longer cycle', () => {
    const one = transaction({ process: 'p', at: [0, 10], operations: [send(0, 'a', 0), poll([2, 0, 'c'])] })
    const two = transaction({ process: 'q', at: [0, 10], operations: [poll([0, 0, 'a']), send(1, 'b', 0)] })
    const three = transaction({ process: 'r', at: [12, 20], operations: [send(2, 'c', 0)] })
    finds('cycle: ', [one, two, three], log([[0, 'a']], [[0, 'b']], [[0, 'c']]))
  })
})
