/** Program: a group member that reads a topic and prints what it read. See GroupMemberProcess. */
import { PartitionAssigners } from 'kafkajs'
import { KafkaJsApplication, SHORT_SESSION } from './kafkajs-application.ts'

const [bootstrap, groupId, topic] = process.argv.slice(2) as [string, string, string]
const consumer = await new KafkaJsApplication(bootstrap).consumer({
  groupId,
  ...SHORT_SESSION,
  partitionAssigners: [PartitionAssigners.roundRobin],
})
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({
  autoCommitThreshold: 1,
  eachMessage: async ({ partition, message }) => {
    console.log(`read ${partition} ${message.value}`)
  },
})
