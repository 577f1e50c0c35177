/** Client program for ../matrix/matrix-client.ts with kafkajs. */
import { CompressionTypes } from 'kafkajs'
import { waitFor } from '../../wait-for.ts'
import { Inbox, KafkaJsApplication } from './kafkajs-application.ts'

const [verb, bootstrap, topic, third, fourth] = process.argv.slice(2) as [string, string, string, string, string]
const application = new KafkaJsApplication(bootstrap)

async function produce(codec: string, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, index) => ({
    key: `key-${index}`,
    value: `${index}:${'x'.repeat(index % 100)}`,
    headers: { index: String(index) },
  }))
  const compression = codec === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  await (await application.producer()).send({ topic, compression, messages })
}

async function consume(groupId: string, count: number): Promise<void> {
  const messages = await (await Inbox.of(await application.consumer({ groupId }), topic)).atLeast(count)
  for (const { message } of messages) {
    const { key, value, headers } = message
    console.log(JSON.stringify({ key: `${key}`, value: `${value}`, index: `${headers!.index}` }))
  }
}

async function admin(): Promise<void> {
  const admin = await application.admin()
  const configEntries = [{ name: 'retention.ms', value: '9223372036854775807' }]
  await admin.createTopics({ topics: [{ topic, numPartitions: 3, configEntries }] })
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  await admin.deleteTopics({ topics: [topic] })
  const listed = await waitFor('the list', () => admin.listTopics())
  console.log(JSON.stringify({ partitions: topics[0]!.partitions.length, listed: listed.includes(topic) }))
}

if (verb === 'produce') await produce(third, Number(fourth))
else if (verb === 'consume') await consume(third, Number(fourth))
else await admin()
await application.close()
