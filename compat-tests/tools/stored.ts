import { isOld, type ToolCase, type ToolFamily } from './tool-case.ts'

const LOG = '00000000000000000000'

function dumping(version: string): ToolCase[] {
  const dump = (args: string): ToolCase => ({
    command: `kafka-dump-log ${args}`,
    normalise: ['timestamps', 'batches'],
  })
  return [
    dump(`--files DATA/k-2/${LOG}.log`),
    dump(`--files DATA/k-2/${LOG}.log --print-data-log`),
    dump(`--files DATA/k-2/${LOG}.log --deep-iteration --print-data-log`),
    dump(`--files DATA/k-0/${LOG}.log,DATA/k-1/${LOG}.log --deep-iteration`),
    {
      ...dump(`--files DATA/k-2/${LOG}.index --index-sanity-check`),
      differs: 'Apache Kafka allocates the whole index of the segment that it writes to, filled with zeros',
    },
    dump(`--files DATA/k-2/${LOG}.timeindex --index-sanity-check`),
    dump(`--files DATA/k-2/nowhere.log`),
    dump('--files FILES/payload'),
    dump('--files'),
    dump(''),
    ...(isOld(version) ? [] : [dump(`--files DATA/k-2/${LOG}.log --skip-record-metadata --print-data-log`)]),
  ]
}

// 2.8.2's knows nothing of a broker that is its own controller.
const formatted = [
  'info',
  'format --cluster-id 4L6g3nShT-eMCtK--X86sw',
  'format --cluster-id 4L6g3nShT-eMCtK--X86sw --ignore-formatted',
  'format --cluster-id J8qXRwI-Qyi2G0guFTiuYw --ignore-formatted',
  'format',
].map((args) => `kafka-storage ${args} --config FILES/../server.properties`)

const refused = ['kafka-storage info --config FILES/nowhere.properties', 'kafka-storage info', 'kafka-storage']

/** Tools that read what brokers store: kafka-dump-log, kafka-storage. */
export const stored: ToolFamily = {
  title: 'stored files',
  cases: (version) => [...dumping(version), ...(isOld(version) ? [] : formatted), ...refused],
}
