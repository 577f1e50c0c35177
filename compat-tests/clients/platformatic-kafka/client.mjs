// Client for ../matrix/matrix-client.ts with @platformatic/kafka. It needs a Node.js new enough for that package, and
// runs in a folder in which the package is installed.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const require = createRequire(join(process.cwd(), 'package.json'))
const { Admin, Consumer, Producer, stringDeserializers, stringSerializers } = await import(
  pathToFileURL(require.resolve('@platformatic/kafka'))
)

const [verb, bootstrap, topic, third, fourth] = process.argv.slice(2)
const common = { clientId: 'platformatic', bootstrapBrokers: [bootstrap], autocreateTopics: true }

async function produce(compression, count) {
  const producer = new Producer({ ...common, serializers: stringSerializers })
  const messages = Array.from({ length: count }, (_, index) => ({
    topic,
    key: `key-${index}`,
    value: `${index}:${'x'.repeat(index % 100)}`,
    headers: { index: String(index) },
  }))
  await producer.send({ messages, compression, acks: -1 })
  await producer.close()
}

async function consume(groupId, count) {
  const consumer = new Consumer({ ...common, groupId, deserializers: stringDeserializers })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 100 })
  let seen = 0
  for await (const message of stream) {
    const { key, value, headers } = message
    console.log(JSON.stringify({ key, value, index: headers.get('index') }))
    if (++seen === count) {
      await message.commit()
      break
    }
  }
  await consumer.close(true)
}

async function admin() {
  const admin = new Admin(common)
  const configs = [{ name: 'retention.ms', value: '9223372036854775807' }]
  const created = await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1, configs })
  await admin.deleteTopics({ topics: [topic] })
  const listed = await admin.listTopics()
  console.log(JSON.stringify({ partitions: created[0].partitions, listed: listed.includes(topic) }))
  await admin.close()
}

await { produce: () => produce(third, Number(fourth)), consume: () => consume(third, Number(fourth)), admin }[verb]()
// The reader may be slow, and output still waiting for the pipe would be lost at exit.
await new Promise((flushed) => process.stdout.write('', flushed))
process.exit(0)
