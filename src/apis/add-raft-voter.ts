import { AddRaftVoter, type AddRaftVoterRequest } from '../../protocol/apis/add-raft-voter.ts'
import { type Rejection, reject } from '../../protocol/error-codes.ts'
import { fixedQuorum, voterFault } from './fixed-quorum.ts'
import { handler } from './handler.ts'

/** Refuses with UNSUPPORTED_VERSION: the quorum is this one node. Source: KafkaRaftClient.handleAddVoterRequest. */
export const addRaftVoter = handler(AddRaftVoter, (request, { services }) => {
  const { code, message } =
    voterFault('Add', request, services) ?? listenerFault(request.listeners) ?? fixedQuorum('adding', services)
  return { errorCode: code, errorMessage: message }
})

/** Name of the controller listener in Kafka's example settings. */
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
