import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { ToolProcess } from '../tools/tool-process.ts'
import { waitFor } from '../wait-for.ts'
import type { Scenario } from './scenario.ts'
import type { Side } from './side.ts'
import {
  batchOf,
  createTopic,
  electPreferred,
  inSync,
  kill,
  leaderIs,
  produce,
  start,
  stop,
  timeoutMs,
} from './topics.ts'

const topics = (args: string, broker = 1) => `kafka-topics --bootstrap-server B${broker} ${args}`
const reassign = (args: string, broker = 1) => `kafka-reassign-partitions --bootstrap-server B${broker} ${args}`
const elect = (args: string, broker = 1) => `kafka-leader-election --bootstrap-server B${broker} ${args}`
const groups = (args: string, broker = 1) => `kafka-consumer-groups --bootstrap-server B${broker} ${args}`
const configs = (args: string, broker = 1) => `kafka-configs --bootstrap-server B${broker} ${args}`
const offsets = (args: string, broker = 1) => `kafka-get-offsets --bootstrap-server B${broker} ${args}`
const cluster = (args: string, broker = 1) => `kafka-cluster ${args} --bootstrap-server B${broker}`
const logDirs = (args: string, broker = 1) => `kafka-log-dirs --bootstrap-server B${broker} --describe ${args}`

const KEYED = '--reader-property parse.key=true --reader-property key.separator=:'
const TOPICS = "--topic 'tool-.*'"
const partitionsIn = ['under-replicated', 'unavailable', 'under-min-isr', 'at-min-isr'].map(
  (which) => `--describe ${TOPICS} --${which}-partitions`,
)
const toolTopics = ['tool-one', 'tool-two', 'tool-three', 'tool-min']

/** Each node has a data directory of its own, or the process has one for all. */
const withoutDirectories = (output: string) => output.replace(/"\/[^"]+"/g, '"DIRECTORY"')
/** The topics of other scenarios are elected, too. */
const ownPartitions = (output: string) => output.match(/\w[^\n]*? for partitions|\btool-\w+-\d/g)?.join('\n') ?? output

/** Keeps who votes and who observes. Offsets and times differ from run to run. */
function quorumLines(output: string): string {
  return output
    .split('\n')
    .map((line) => line.replace(/^(\d+) .* (Leader|Follower|Observer)$/, '$1 $2'))
    .map((line) => line.replace(/^((?:LeaderEpoch|HighWatermark|MaxFollowerLag\w*|ClusterId): ).*/, '$1N'))
    .map((line) =>
      line.replace(/\{[^}]*\}(, \{[^}]*\})+/, (nodes) =>
        nodes
          .split(/(?<=\}), /)
          .sort()
          .join(', '),
      ),
    )
    .map((line) => line.replace(/"directoryId": "?[^",}]+"?/g, '"directoryId": ID').replace(/:\d{4,5}\b/g, ':PORT'))
    .sort()
    .join('\n')
}

const describing: Scenario = {
  name: 'tools: create and describe topics, while all brokers run, one is stopped, one is killed',
  run: async (side) => {
    for (const args of [
      '--create --topic tool-one --replica-assignment 1,2,3',
      '--create --topic tool-two --replica-assignment 2:3,3:2,3:1',
      '--create --topic tool-three --replica-assignment 1:2:3,2:3:1,3:1:2',
      '--create --topic tool-min --replica-assignment 1:2,2:3,3:1:2 --config min.insync.replicas=2',
      '--create --topic tool-min --replica-assignment 1:2,2:3,3:1 --config min.insync.replicas=2',
      '--create --topic tool-large --partitions 1 --replication-factor 4',
      '--create --topic tool-large --replica-assignment 1:2,1:4',
      '--create --topic tool-large --replica-assignment 1:1',
      '--create --topic tool-three --replica-assignment 1',
    ])
      await side.tool(topics(args))
    await inSync(side, toolTopics)
    await describeAll(side)
    await stop(side, 3)
    await inSync(side, toolTopics)
    await describeAll(side)
    await side.tool(topics('--create --topic at-random --partitions 1 --replication-factor 3', 2))
    await side.tool(topics('--delete --topic at-random', 2))
    await side.tool(offsets('--topic tool-one --command-config FILES/quick.properties'))
    await side.tool(elect('--election-type preferred --path-to-json-file FILES/elect.json', 2))
    await side.tool(elect('--election-type unclean --topic tool-one --partition 2'))
    await start(side, 3, toolTopics)
    await side.tool(topics(`--describe ${TOPICS}`, 3))
    await side.tool(elect('--election-type preferred --path-to-json-file FILES/elect.json', 3))
    await side.tool(elect('--election-type preferred --path-to-json-file FILES/elect.json'))
    await leaderIs(side, 'tool-three', 3, 2)
    await kill(side, 3)
    await inSync(side, toolTopics)
    await side.tool(topics(`--describe ${TOPICS}`, 2))
    for (const args of partitionsIn) await side.tool(topics(args))
    for (const fenced of ['', ' --include-fenced-brokers']) await side.tool(cluster(`list-endpoints${fenced}`))
    await start(side, 3, toolTopics)
    for (const [topic, index] of [
      ['tool-two', 1],
      ['tool-two', 2],
      ['tool-three', 2],
      ['tool-min', 2],
    ] as const)
      await electPreferred(side, topic, index, 3)
    await side.tool(topics(`--describe ${TOPICS}`))
  },
}

async function describeAll(side: Side): Promise<void> {
  for (const nodeId of side.running.slice(-1)) await side.tool(topics(`--describe ${TOPICS}`, nodeId))
  for (const args of partitionsIn) await side.tool(topics(args))
}

const reassigning: Scenario = {
  name: 'tools: kafka-reassign-partitions and kafka-leader-election',
  run: async (side) => {
    const run = (args: string, broker = 1) => side.tool(reassign(args, broker), { mask: withoutDirectories })
    await run('--generate --topics-to-move-json-file FILES/move.json --broker-list 1')
    await run('--generate --topics-to-move-json-file FILES/move-three.json --broker-list 1,2')
    await run('--execute --reassignment-json-file FILES/unknown-broker.json')
    for (const [file, options] of [
      ['swap', ''],
      ['factor', '--throttle 100000000'],
      ['factor-back', ''],
      ['to-three', ''],
    ] as const) {
      await run(`--execute --reassignment-json-file FILES/${file}.json ${options}`, 2)
      if (options !== '')
        for (const broker of [1, 3])
          await side.tool(configs(`--describe --entity-type brokers --entity-name ${broker}`, broker))
      await verified(side, file)
      await run(`--verify --reassignment-json-file FILES/${file}.json`, 3)
    }
    await run('--list')
    await inSync(side, toolTopics)
    await side.tool(topics(`--describe ${TOPICS}`))
    await side.tool(elect('--election-type preferred --path-to-json-file FILES/elect-none.json'))
    await side.tool(elect('--election-type preferred --all-topic-partitions'), { mask: ownPartitions })
    await side.tool(elect('--election-type preferred --topic tool-three --partition 0'))
    await leaderIs(side, 'tool-three', 3)
    await side.tool(topics(`--describe ${TOPICS}`))
    await side.tool(topics('--create --topic tool-moved --replica-assignment 1:2'))
    await stop(side, 3)
    await run('--execute --reassignment-json-file FILES/to-stopped.json')
    // The tool does not move to a stopped broker, but shows such moves of others.
    const partitions = [{ partitionIndex: 0, replicas: [1, 3] }]
    await side.at(2)(AlterPartitionReassignments, 0, '~', { topics: [{ name: 'tool-moved', partitions }], timeoutMs })
    for (const args of ['--describe --topic tool-moved', '--describe --under-replicated-partitions --topic tool-moved'])
      await side.tool(topics(args, 2))
    await run('--list', 2)
    // Without this option it waits a minute for the stopped broker.
    for (const args of ['--verify', '--cancel', '--verify'])
      await run(`${args} --reassignment-json-file FILES/to-stopped.json --preserve-throttles`)
    await run('--list')
    await side.tool(topics('--describe --topic tool-moved'))
    await start(side, 3, toolTopics)
  },
}

async function verified(side: Side, file: string): Promise<void> {
  await waitFor(`${file} is carried out`, async () => {
    const { output } = await side.quietTool(reassign(`--verify --reassignment-json-file FILES/${file}.json`))
    return !output.includes('is still in progress')
  })
}

const inspecting: Scenario = {
  name: 'tools: the cluster, its quorum, directories and settings',
  run: async (side) => {
    for (const args of ['--status', '--replication', '--status --human-readable'])
      await side.tool(`kafka-metadata-quorum --bootstrap-server B2 describe ${args}`, { mask: quorumLines })
    await side.tool(cluster('list-endpoints', 2))
    await side.tool(cluster('cluster-id', 3))
    await side.tool(cluster('unregister --id 7', 2), {
      mask: (output) => output.replace(/\badminclient-\d+/g, 'adminclient-N'),
    })
    await side.tool('kafka-broker-api-versions --bootstrap-server B2', { which: ['apiVersions', 'sorted'] })
    for (const args of [
      '--topic-list tool-one,tool-three',
      '--topic-list tool-one --broker-list 2',
      '--broker-list 2,9',
    ])
      await side.tool(logDirs(args, 3), { which: ['logDirs'], mask: withoutDirectories })
    for (const args of [
      '--alter --entity-type brokers --entity-name 2 --add-config log.cleaner.threads=2',
      '--alter --entity-type brokers --entity-default --add-config log.retention.ms=3600000',
      '--alter --entity-type brokers --entity-name 2 --add-config broker.rack=x',
    ])
      await side.tool(configs(args, 3))
    await waitFor('the change is seen', async () => {
      const { output } = await side.quietTool(configs('--describe --entity-type brokers --entity-name 2', 2))
      return output.includes('log.cleaner.threads=2')
    })
    for (const args of ['--entity-name 1', '--entity-name 2', '--entity-name 3', '--entity-default', ''])
      await side.tool(configs(`--describe --entity-type brokers ${args}`, 1))
    await side.tool(configs('--alter --entity-type brokers --entity-name 2 --delete-config log.cleaner.threads'))
    await side.tool(configs('--alter --entity-type brokers --entity-default --delete-config log.retention.ms'))
  },
}

const records: Scenario = {
  name: 'tools: records and groups through any broker',
  run: async (side) => {
    const input = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => `${key}:${key}\n`).join('')
    await side.tool(`kafka-console-producer --bootstrap-server B2 --topic tool-two ${KEYED}`, { input })
    for (const [index, broker] of [1, 2, 3].entries())
      await side.tool(
        `kafka-console-consumer --bootstrap-server B${broker} --topic tool-two --partition ${index} --offset earliest --timeout-ms 1500`,
        { which: ['sorted', 'quietErrors'] },
      )
    await side.tool(
      'kafka-console-consumer --bootstrap-server B1 --topic tool-two --group group-a --from-beginning --max-messages 6',
      { which: ['sorted'] },
    )
    for (const args of ['--group group-a', '--group group-a --members', '--group group-a --state'])
      await side.tool(groups(`--describe ${args}`, 1))
    for (const args of [
      '--list',
      '--describe --all-groups --state',
      '--describe --group group-none',
      '--reset-offsets --group group-a --topic tool-two --to-earliest --execute',
      '--delete-offsets --group group-a --topic tool-two:0',
      '--delete --group group-a',
      '--delete --group group-a',
    ])
      await side.tool(groups(args, 2), { which: ['sorted'] })
    for (const args of ['--topic tool-two', '--topic tool-two --time -2', "--topic-partitions 'tool-t.*:1'"])
      await side.tool(offsets(args, 3))
  },
}

const deletingRecords: Scenario = {
  name: 'tools: kafka-delete-records',
  run: async (side) => {
    const keys = Array.from({ length: 30 }, (_, index) => `key-${index}:v\n`)
    const producer = `kafka-console-producer --bootstrap-server B1 --topic tool-three ${KEYED}`
    await side.quietTool(producer, { input: keys.join('') })
    await side.tool('kafka-delete-records --bootstrap-server B3 --offset-json-file FILES/delete.json', {
      which: ['sorted'],
    })
    for (const time of [-1, -2]) await side.tool(offsets(`--topic tool-three --time ${time}`, 2))
  },
}

const REPORT_WITHIN_MS = 90_000

const verifying: Scenario = {
  name: 'tools: kafka-replica-verification',
  run: async (side) => {
    await createTopic(side, 'verified', [
      [1, 2],
      [3, 2],
    ])
    for (const [index, leader] of [1, 3].entries()) await produce(side, leader, 'verified', batchOf('a'), -1, index)
    const args = ['--broker-list', side.filled('B1'), '--topics-include', 'verified', '--time', '-2']
    const all = [...args, '--report-interval-ms', '1000']
    const tool = await ToolProcess.start('4.4.0', 'kafka-replica-verification', all, side.files)
    try {
      const report = /^.*max lag is.*$/m
      await waitFor(
        'it reports',
        () => {
          tool.expectAlive()
          return report.test(tool.log)
        },
        REPORT_WITHIN_MS,
      )
      // Which of the partitions it names first is chance.
      side.note(
        'lag of the replicas',
        report.exec(tool.log)![0].replace(/^.*?: |for partition \S+ at offset \d+ /g, ''),
      )
    } finally {
      await tool.stop()
    }
  },
}

export const toolScenarios: readonly Scenario[] = [
  describing,
  reassigning,
  inspecting,
  records,
  deletingRecords,
  verifying,
]
