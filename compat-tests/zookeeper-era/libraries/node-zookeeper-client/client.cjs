// See ../README.md. The packages are in the folder that NODE_PATH names.
const { promisify } = require('node:util')
const zookeeper = require('node-zookeeper-client')

const [address, topic] = process.argv.slice(2)
const client = zookeeper.createClient(address)
const call = (name, ...args) => promisify(client[name]).call(client, ...args)

async function run() {
  const ids = await call('getChildren', '/brokers/ids')
  const brokers = await Promise.all(ids.map((id) => call('getData', `/brokers/ids/${id}`)))
  console.log('brokers', brokers.flatMap((data) => JSON.parse(data).endpoints).join())

  await call('mkdirp', '/node/deep')
  const mode = zookeeper.CreateMode.EPHEMERAL_SEQUENTIAL
  const made = []
  for (let i = 0; i < 2; i++) made.push(await call('create', '/node/deep/n-', Buffer.from('x'), mode))
  console.log('numbered', made.map((path) => Number(path.slice(-10))).join())

  await call('setData', '/node', Buffer.from('one'))
  const second = await call('setData', '/node', Buffer.from('two'), 0).catch((error) => error)
  console.log(second.getCode?.() === zookeeper.Exception.BAD_VERSION ? 'refused' : 'taken')

  const transaction = client.transaction().check('/node', 1).create('/node/a', Buffer.from('1'))
  transaction.setData('/node/a', Buffer.from('2')).remove('/node/a')
  await promisify(transaction.commit).call(transaction)
  console.log('together')

  const changed = new Promise((resolve) => {
    client.getChildren('/brokers/topics', resolve, (error) => error && fail(error))
  })
  await call('create', `/brokers/topics/${topic}`, Buffer.from('{"version":1,"partitions":{"0":[1]}}'))
  await changed
  console.log('topics', (await call('getChildren', '/brokers/topics')).sort().join())
  for (const path of [...made, '/node/deep', '/node']) await call('remove', path)
  client.close()
}

function fail(error) {
  console.error(error)
  process.exit(1)
}

client.once('connected', () => run().catch(fail))
client.connect()
