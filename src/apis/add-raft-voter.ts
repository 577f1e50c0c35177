import { AddRaftVoter, type AddRaftVoterRequest } from '../../protocol/apis/add-raft-voter.ts'
import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { fixedQuorum, voterFault } from './fixed-quorum.ts'
import { handler } from './handler.ts'

/** Changes the quorum, which is one node for good: UNSUPPORTED_VERSION. Source: KafkaRaftClient.handleAddVoterRequest. */
export const addRaftVoter = handler(AddRaftVoter, (request, { services }) => {
  const { code, message } =
    voterFault('Add', request, services) ?? listenerFault(request.listeners) ?? fixedQuorum('adding')
  return { errorCode: code, errorMessage: message }
})

/** The controllers' listener bears this name, as it does in Kafka's own example settings. */
const CONTROLLER_LISTENER = 'CONTROLLER'

function listenerFault(listeners: AddRaftVoterRequest['listeners']): Rejection | undefined {
  const normalised = listeners.map((each) => ({ ...each, name: each.name.toUpperCase() }))
  if (normalised.some(({ name }) => name === CONTROLLER_LISTENER)) return undefined
  const told = normalised.map(({ name, host, port }) => `ListenerName(${name})=${host}/<unresolved>:${port}`).join(', ')
  return reject(
    'INVALID_REQUEST',
    `Add voter request didn't include the endpoint (Endpoints(endpoints={${told}})) for the default listener ListenerName(${CONTROLLER_LISTENER})`,
  )
}
