/** What may differ between two brokers, and is replaced before their outputs are compared. */
interface Replacement {
  readonly pattern: RegExp
  readonly by: string | ((match: string) => string)
  readonly reason: string
}

const everywhere: readonly Replacement[] = [
  { pattern: /\bdirectory\.id=[\w-]+/g, by: 'directory.id=ID', reason: 'ids of directories are random' },
  { pattern: /\bTopicId: \S+/g, by: 'TopicId: ID', reason: 'topic ids are random' },
  {
    pattern: /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g,
    by: 'UUID',
    reason: 'ids are random',
  },
  { pattern: /^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[,.\d]*\]?/gm, by: 'TIME', reason: 'the time of a log line' },
  { pattern: /^\d\d:\d\d:\d\d\.\d{3}/gm, by: 'TIME', reason: 'the time of a log line' },
  { pattern: /^\s*(at |\.\.\. \d+ more).*\n/gm, by: '', reason: 'stack traces of the tool depend on timing' },
  { pattern: /(?<=Option combination ")\[.*?\](?=")/g, by: inOrder, reason: 'the option parser prints a hash set' },
  { pattern: /(?<=one of these options: |following scenarios: ).*/g, by: inOrder, reason: 'the same' },
  { pattern: /\bconsole-consumer-\d+/g, by: 'console-consumer-N', reason: 'the consumer names its group at random' },
  {
    pattern: /\bEpoch: \d+/g,
    by: 'Epoch: N',
    reason: 'the length of the metadata log, which holds other records, too',
  },
  {
    pattern: /\bdeadlineMs=\d+, tries=\d+, nextAllowedTryMs=\d+\) timed out at \d+ after \d+ /g,
    by: 'deadlineMs=N) timed out at N after N ',
    reason: 'times, and how often a client has tried',
  },
  {
    pattern:
      /Timed out waiting for a node assignment\. Call: (.*?)(?:\. Enable debug.*)?$|Call\(callName=(.*), deadlineMs=N\) timed out .*$/gm,
    by: 'timed out: $1$2',
    reason: 'whether a client of the tool was waiting or trying when its time was over',
  },
  { pattern: /[ \t]+/g, by: ' ', reason: 'columns are as wide as their longest value, such as a port' },
  { pattern: / $/gm, by: '', reason: 'the same at the end of a line' },
]

function inOrder(list: string): string {
  return list
    .split(/[[\], ]+/)
    .sort()
    .join(' ')
}

function eachSorted(list: string): string {
  return list
    .split(/(?<=\}),/)
    .sort()
    .join(',')
}

function numbersInOrder(list: string): string {
  return list
    .split(',')
    .sort((a, b) => Number(a) - Number(b))
    .join(',')
}

/** The same JSON with the fields of each object in order. */
function withFieldsInOrder(json: string): string {
  return JSON.stringify(JSON.parse(json), (_key, value) =>
    value === null || typeof value !== 'object' || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))),
  )
}

/** Replacements for outputs that hold measurements or come in any order. */
const named = {
  numbers: [{ pattern: /-?\d+(\.\d+)?(E-?\d+)?|-?NaN/g, by: 'N', reason: 'the tool measures' }],
  fields: [
    {
      pattern: /^\{".*\}$/gm,
      by: withFieldsInOrder,
      reason: 'the tool prints the fields in the order in which its JVM lists the methods',
    },
  ],
  batches: [
    { pattern: /\bcrc: \d+/g, by: 'crc: N', reason: 'it covers the time of the records' },
    { pattern: /\bproducerId: \d+/g, by: 'producerId: N', reason: 'ids count how often producers asked for one' },
    { pattern: /(?<="partitionIds":\[)[\d,]+(?=\])/g, by: numbersInOrder, reason: 'Kafka stores a hash set' },
  ],
  timestamps: [{ pattern: /\b1[789]\d{11}\b/g, by: 'MS', reason: 'a time in milliseconds' }],
  durations: [
    {
      pattern: /(?<=\bMS )\d+\b/g,
      by: 'N',
      reason: 'how long a transaction has taken; its tool prints that after a time',
    },
  ],
  apiVersions: [
    { pattern: /\): .*/g, by: ')', reason: 'compat-tests/differential lists the versions that differ' },
    {
      pattern: /^\s*UNKNOWN\(\d+\)\n/gm,
      by: '',
      reason: 'newer than the tool; the same list has those of features to come',
    },
  ],
  metadata: [
    {
      pattern: /(?<![\w-])(?!ControllerRegistration)[\w-]{22}(?![\w-])/g,
      by: 'ID',
      reason: 'ids of topics and directories are random',
    },
    { pattern: /\bincarnationId=\S+,/g, by: 'incarnationId=ID,', reason: 'the same' },
    {
      pattern: /\bBrokerRegistration\(id=1, epoch=\d+/g,
      by: 'BrokerRegistration(id=1, epoch=N',
      reason: 'it is an offset of the log, which holds other records, too',
    },
    { pattern: /\boffset \d+, epoch \d+, time \S+/g, by: 'offset N, epoch N, time T', reason: 'the same' },
  ],
  logDirs: [
    { pattern: /"size":\d+/g, by: '"size":N', reason: 'compression and batching may differ' },
    { pattern: /(?<="partitions":\[).*?(?=\])/g, by: eachSorted, reason: 'the tool prints a hash map' },
  ],
} as const satisfies Record<string, readonly Replacement[]>

/** `sorted`: the tool prints a hash map. `quietErrors`: it logs what it retries, as often as it happens to. */
export type Normalisation = keyof typeof named | 'sorted' | 'quietErrors'

/** Matches a number, and not its digits within another one. */
export function wholeNumber(number: number | string): RegExp {
  return new RegExp(`\\b${number}\\b`, 'g')
}

/** Output without what may differ; `own` are texts of this side and what each is called. */
export function normalise(
  output: string,
  own: readonly (readonly [text: string, name: string])[],
  which: readonly Normalisation[] = [],
): string {
  let text = output
  for (const [from, to] of own) text = text.replaceAll(/^\d+$/.test(from) ? wholeNumber(from) : from, to)
  for (const each of everywhere) text = replaced(text, each)
  for (const name of which)
    if (name in named) for (const each of named[name as keyof typeof named]) text = replaced(text, each)
  if (which.includes('quietErrors')) text = text.replace(/^.*\b(WARN|ERROR)\b.*\n/gm, '')
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return (which.includes('sorted') ? lines.sort() : lines).join('\n')
}

function replaced(text: string, { pattern, by }: Replacement): string {
  return typeof by === 'string' ? text.replace(pattern, by) : text.replace(pattern, by)
}
