// kafka-node with ZooKeeper: finds the broker, writes, reads as a member of a group, and stores its offsets. The
// packages are in the folder that NODE_PATH names.
const kafka = require('kafka-node')

const [address, topic] = process.argv.slice(2)
const COUNT = 10

function fail(error) {
  console.error(error)
  process.exit(1)
}

const client = new kafka.Client(address, 'kafka-node')
const producer = new kafka.HighLevelProducer(client)
producer.on('error', fail)
producer.on('ready', () => {
  client.refreshMetadata([topic], (error) => {
    if (error) fail(error)
    const messages = Array.from({ length: COUNT }, (_, index) => `value ${index}`)
    producer.send([{ topic, messages }], (failure, result) => {
      if (failure) fail(failure)
      console.log('wrote', JSON.stringify(result))
      consume()
    })
  })
})

function consume() {
  const options = { groupId: 'kafka-node-group', fromOffset: true, autoCommit: false }
  const consumer = new kafka.HighLevelConsumer(new kafka.Client(address, 'kafka-node-reader'), [{ topic }], options)
  const values = []
  consumer.on('error', fail)
  consumer.on('message', ({ value }) => {
    values.push(value)
    if (values.length !== COUNT) return
    console.log('read', values.join())
    consumer.commit(true, (error, result) => {
      if (error) fail(error)
      console.log('committed', JSON.stringify(result))
      consumer.close(() => process.exit(0))
    })
  })
}
