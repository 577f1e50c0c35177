import { coordinatorPartition } from '../../src/coordinator/java-hash.ts'
import { placeOf } from '../differential/record-scenarios.ts'
import { classic, transactions as requestsOf } from '../differential/transactions.ts'
import { Transcript } from '../differential/transcript.ts'
import { RawClient } from '../raw-client.ts'
import { isOld, type ToolCase, type ToolFamily } from './tool-case.ts'

const FIRST_SEGMENT = '00000000000000000000'
const STATE_PARTITIONS = 50

/**
 * Transactions in every state, and two that hang: their partitions have records of a producer whose coordinator knows
 * nothing of that.
 */
async function prepare(port: number): Promise<Record<string, string>> {
  const client = await RawClient.connect(port)
  try {
    const send = new Transcript().sender(client)
    const place = await placeOf(send, 'tx-tool')
    const tx = requestsOf(send)
    const [, ongoing, committed, aborted, hanging] = [
      await tx.begin('tool-empty'),
      await tx.begin('tool-ongoing', { transactionTimeoutMs: 900_000 }),
      await tx.begin('tool-committed'),
      await tx.begin('tool-aborted'),
      await tx.begin('tool-hanging'),
    ]
    for (const [who, isCommitted] of [[committed, true] as const, [aborted, false] as const]) {
      await tx.produce('', who, place, 0)
      await tx.end('', who, isCommitted)
    }
    for (const index of [0, 1]) await tx.produce('', ongoing, place, 0, { index })
    for (const index of [0, 1]) await requestsOf(send, classic).produce('', hanging, place, 0, { index })
    return { HANGING: String(hanging.producerId), ONGOING: String(ongoing.producerId) }
  } finally {
    client.close()
  }
}

/** Commands that ask for what is not there until their time is over. The others get the time that a busy machine needs. */
const NOT_THERE = /--partition 9|no-such-topic/

const onTransactions = (args: string, more: Partial<ToolCase> = {}): ToolCase => ({
  command: [
    'kafka-transactions --bootstrap-server BROKER',
    ...(NOT_THERE.test(args) ? ['--command-config FILES/quick.properties'] : []),
    ...(args === '' ? [] : [args]),
  ].join(' '),
  // describe-producers prints offsets where the others print durations.
  normalise: ['timestamps', 'sorted', ...(args.startsWith('describe-producers') ? [] : (['durations'] as const))],
  ...more,
})

const everywhere = [
  ...['list', 'describe --transactional-id tool-empty', 'describe --transactional-id tool-ongoing'],
  ...['describe --transactional-id tool-committed', 'describe --transactional-id tool-aborted'],
  ...['describe --transactional-id none', 'describe', "describe --transactional-id ''"],
  ...['describe-producers --topic tx-tool --partition 0', 'describe-producers --topic tx-tool --partition 1'],
  'describe-producers --topic tx-tool --partition 0 --broker-id 1',
  'describe-producers --topic tx-tool --partition 9',
  'describe-producers --topic no-such-topic --partition 0',
  ...['describe-producers --topic tx-tool', 'describe-producers --partition 0', 'describe-producers'],
  ...['find-hanging', 'find-hanging --broker-id 1', 'find-hanging --max-transaction-timeout 0'],
  'find-hanging --broker-id 1 --max-transaction-timeout 0',
  'find-hanging --topic tx-tool --max-transaction-timeout 0',
  'find-hanging --topic tx-tool --partition 1 --max-transaction-timeout 0',
  'find-hanging --broker-id 1 --topic tx-tool --partition 0 --max-transaction-timeout 0',
  ...[
    'find-hanging --partition 0',
    'find-hanging --topic no-such-topic',
    'find-hanging --max-transaction-timeout soon',
  ],
  ...['find-hanging --topic tx-tool --partition 9', 'find-hanging --max-transaction-timeout -1'],
  ...['abort', 'abort --topic tx-tool --partition 0', 'abort --topic tx-tool --partition 0 --start-offset 99'],
  'abort --topic no-such-topic --partition 0 --start-offset 0',
  'abort --topic tx-tool --partition 9 --start-offset 0',
  'abort --topic tx-tool --partition 0 --producer-id HANGING',
  'abort --topic tx-tool --partition 0 --producer-id HANGING --producer-epoch 0 --coordinator-epoch -2',
  'abort --topic tx-tool --partition 0 --start-offset 8 --producer-id HANGING --producer-epoch 0',
  'abort --topic tx-tool --partition 0 --producer-id HANGING --producer-epoch -1 --coordinator-epoch 0',
  'abort --topic tx-tool --partition 0 --start-offset 8',
  'abort --topic tx-tool --partition 0 --start-offset 8',
  'describe-producers --topic tx-tool --partition 0',
  'abort --topic tx-tool --partition 1 --producer-id HANGING --producer-epoch 0 --coordinator-epoch 0',
  'describe-producers --topic tx-tool --partition 1',
  'find-hanging --topic tx-tool --max-transaction-timeout 0',
  ...['', 'nonsense', 'list --no-such-option', '-h', 'list -h', 'abort -h'],
]

const newer = [
  ...['list --duration-filter 1', 'list --duration-filter 99999999', 'list --duration-filter -1'],
  'list --duration-filter soon',
]

const newest = [
  ...["list --transactional-id-pattern 'tool-.*ed'", "list --transactional-id-pattern '['"],
  ...["list --transactional-id-pattern ''", 'list --transactional-id-pattern tool-ongoing --duration-filter 1'],
]

const terminations = [
  ...['forceTerminateTransaction --transactionalId tool-ongoing', 'describe --transactional-id tool-ongoing'],
  'forceTerminateTransaction --transactionalId tool-ongoing',
  'forceTerminateTransaction --transactionalId tool-committed',
  'forceTerminateTransaction --transactionalId no-such-id',
  ...['forceTerminateTransaction', 'describe-producers --topic tx-tool --partition 0', 'list'],
]

/** What Kafka 4.4.0 and Ottla have stored by now. */
function stored(): ToolCase[] {
  const dump = (args: string): ToolCase => ({
    command: `kafka-dump-log ${args}`,
    normalise: ['timestamps', 'batches'],
  })
  const states = ['tool-empty', 'tool-ongoing', 'tool-committed', 'tool-aborted', 'tool-hanging'].map(
    (id) => `DATA/__transaction_state-${coordinatorPartition(id, STATE_PARTITIONS)}/${FIRST_SEGMENT}.log`,
  )
  return [
    ...states.map((file) => dump(`--transaction-log-decoder --files ${file}`)),
    dump(`--transaction-log-decoder --files ${states[0]} --skip-record-metadata`),
    ...[0, 1].map((partition) => dump(`--files DATA/tx-tool-${partition}/${FIRST_SEGMENT}.log --print-data-log`)),
  ]
}

/** Versions of the tools of which only kafka-transactions is compared: the first one, and the last before 4.0. */
export const transactionVersions = ['3.9.1', '3.0.2']

/** kafka-transactions, and kafka-dump-log on transactions. */
export const transactions: ToolFamily = {
  title: 'transactions',
  cases: (version) => {
    if (isOld(version)) return []
    const [major, minor] = version.split('.').map(Number) as [number, number]
    const has = (since: number) => major > 3 || minor >= since
    return [
      onTransactions('list', { prepare }),
      ...(version === '4.4.0' ? stored() : []),
      ...everywhere.map((args) => onTransactions(args)),
      ...(has(8) ? newer.map((args) => onTransactions(args)) : []),
      ...(major > 3 ? [...newest, ...terminations].map((args) => onTransactions(args)) : []),
      ...(version === '4.4.0' ? stored() : []),
    ]
  },
}
