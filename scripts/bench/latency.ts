import { withTopic } from './load.ts'
import { pacedRecords } from './paced-records.ts'
import type { Section } from './section.ts'

let topicCount = 0

/** One record at a time, 200 a second, acks=1: time to the acknowledgement, and to a waiting consumer. */
export const latency: Section = {
  name: 'latency',
  async run({ broker }, { quick }) {
    const topic = `latency-${topicCount++}`
    const count = quick ? 400 : 1000
    return withTopic(broker.port, topic, 1, () => pacedRecords(broker.port, topic, { perSecond: 200, count }))
  },
}
