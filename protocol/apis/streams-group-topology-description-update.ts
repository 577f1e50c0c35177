import { api, array, int8, int16, int32, type RequestOf, type ResponseInputOf, string, struct } from '../schema.ts'

const topologyDescriptionNode = {
  name: string(),
  nodeType: int8(),
  sourceTopics: array(string(), { entity: 'topicName' }),
  sinkTopic: string({ nullable: '0+', default: null, entity: 'topicName' }),
  stores: array(string()),
  successors: array(string()),
}

const topologyDescriptionSubtopology = {
  subtopologyId: string(),
  nodes: array(topologyDescriptionNode),
}

const topologyDescriptionGlobalStore = {
  source: struct(topologyDescriptionNode),
  processor: struct(topologyDescriptionNode),
}

const topologyDescription = {
  subtopologies: array(topologyDescriptionSubtopology),
  globalStores: array(topologyDescriptionGlobalStore),
}

/** Describes a Kafka Streams member's topology, on request of the heartbeat (KIP-1331). */
export const StreamsGroupTopologyDescriptionUpdate = api({
  key: 93,
  name: 'StreamsGroupTopologyDescriptionUpdate',
  versions: '0',
  flexible: '0+',
  request: {
    groupId: string({ entity: 'groupId' }),
    memberId: string(),
    topologyEpoch: int32(),
    topologyDescription: struct(topologyDescription),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
  },
})
export type StreamsGroupTopologyDescriptionUpdateRequest = RequestOf<typeof StreamsGroupTopologyDescriptionUpdate>
export type StreamsGroupTopologyDescriptionUpdateResponse = ResponseInputOf<
  typeof StreamsGroupTopologyDescriptionUpdate
>
