import { PATIENT_PRODUCER } from '../console-tools/stock-tools.ts'
import { isOld, type ToolCase, type ToolFamily } from './tool-case.ts'

/** Options that 4.2 renamed. */
function names(version: string) {
  const old = isOld(version)
  return {
    reader: old ? '--property' : '--reader-property',
    formatter: old ? '--property' : '--formatter-property',
    client: old ? '--consumer-property' : '--command-property',
    producer: old ? '--producer-property' : '--command-property',
    server: old ? '--broker-list' : '--bootstrap-server',
  }
}

// The producer chooses the partition of a record without a key: those go to a topic with one.
function producing(version: string): ToolCase[] {
  const { reader, producer } = names(version)
  const produce = (args: string, input: string): ToolCase => ({
    command: `kafka-console-producer --bootstrap-server BROKER ${PATIENT_PRODUCER.join(' ')} ${args}`,
    input,
    normalise: ['quietErrors'],
  })
  const keyed = `${reader} parse.key=true ${reader} key.separator=:`
  return [
    { command: 'kafka-topics --bootstrap-server BROKER --create --topic r' },
    { command: 'kafka-topics --bootstrap-server BROKER --create --topic k --partitions 3' },
    produce('--topic r --sync', 'one\ntwo\n'),
    // One batch each: the size of a batch depends on the time between its records.
    produce(`--topic k --sync ${keyed}`, 'k1:v1\nk2:v2\nk1:v3\n'),
    produce(`--topic r ${keyed}`, 'no separator\n'),
    produce(`--topic r --compression-codec zstd --batch-size 100`, 'packed\n'),
    produce(`--topic r --compression-codec rar`, 'x\n'),
    produce(`--topic r --request-required-acks 0`, 'unanswered\n'),
    produce(`--topic r ${producer} acks=2`, 'x\n'),
    produce(`--topic r ${producer} nonsense`, 'x\n'),
    produce(`--topic 'a b'`, ''),
    produce('', 'x\n'),
    produce('--topic made-by-producer --sync', 'first\n'),
    { command: 'kafka-console-producer --topic r', input: 'x\n' },
    ...(isOld(version) ? [] : [produce(`--topic r ${reader} parse.headers=true`, 'h1:a,h2:b\tvalue\n')]),
    ...(isOld(version) ? [] : [produce(`--topic k ${reader} parse.key=true ${reader} null.marker=NULL`, 'k1\tNULL\n')]),
  ]
}

function consuming(version: string): ToolCase[] {
  const { formatter, client } = names(version)
  const consume = (args: string): ToolCase => ({
    command: `kafka-console-consumer --bootstrap-server BROKER ${args}`,
    normalise: ['sorted', 'timestamps'],
  })
  const all = ['key', 'value', 'partition', 'offset', 'timestamp', 'headers'].map(
    (each) => `${formatter} print.${each}=true`,
  )
  return [
    consume('--topic r --from-beginning --max-messages 4'),
    consume(`--topic k --from-beginning --max-messages 3 ${all.join(' ')}`),
    consume(`--topic r --from-beginning --max-messages 4 ${all.join(' ')}`),
    consume(`--topic k --from-beginning --max-messages 3 ${formatter} print.key=true ${formatter} key.separator=-`),
    consume('--topic r --partition 0 --offset earliest --max-messages 1'),
    consume('--topic r --partition 0 --offset 0 --max-messages 1'),
    consume('--topic r --partition 0 --offset latest --timeout-ms 500'),
    consume('--topic k --partition 9 --offset earliest --timeout-ms 500'),
    consume('--topic r --offset earliest'),
    consume('--topic r --partition 0 --offset nonsense'),
    consume('--topic r --from-beginning --isolation-level read_committed --max-messages 4'),
    consume('--topic r --isolation-level nonsense'),
    consume('--topic r --from-beginning --group console --max-messages 4'),
    consume(`--topic r --group console ${isOld(version) ? '--timeout-ms 500' : '--max-messages 1'}`),
    consume(`--topic r --from-beginning ${client} fetch.max.bytes=1 --max-messages 4`),
    consume(`${isOld(version) ? '--whitelist' : '--include'} 'made-.*' --from-beginning --max-messages 1`),
    consume('--topic no-such-topic-yet --from-beginning --timeout-ms 5000'),
    consume(''),
    consume('--topic r --formatter no.such.Formatter'),
  ]
}

function offsets(version: string): ToolCase[] {
  const { server } = names(version)
  const cases = [
    ...['--topic k', '--topic made-by-producer', '--topic no-such-topic', '--topic k --partitions 0,2'],
    ...['--topic k --time -2', '--topic k --time -1', '--topic k --time 0', '--topic k --partitions 9'],
  ]
  const newer = [
    ...['--topic k --time earliest', '--topic k --time latest', '--topic k --time max-timestamp'],
    ...['--topic k --time nonsense', '--topic-partitions k:0,k:1', '--exclude-internal-topics'],
    ...['--topic k --time earliest-local', '--topic k --time latest-tiered'],
  ]
  return [...cases, ...(isOld(version) ? [] : newer)].map((args) => ({
    command: `kafka-get-offsets ${server} BROKER ${args}`,
    normalise: ['sorted'],
  }))
}

const deleting = ['some.json', 'beyond.json', 'bad.json', 'nowhere.json']
  .map((file) => `--offset-json-file FILES/${file}`)
  .concat('--command-config FILES/quick.properties --offset-json-file FILES/unknown.json', '')

/** kafka-console-producer and -consumer, kafka-get-offsets, kafka-delete-records. */
export const records: ToolFamily = {
  title: 'records',
  cases: (version) => [
    ...producing(version),
    ...consuming(version),
    ...offsets(version),
    ...deleting.map(
      (args): ToolCase => ({
        command: `kafka-delete-records --bootstrap-server BROKER ${args}`,
        normalise: ['sorted'],
      }),
    ),
  ],
}
