import { UnregisterController } from '../../protocol/apis/unregister-controller.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** Forgets a controller that will not come back. The only one is this process. Source: ClusterControlManager. */
export const unregisterController = handler(UnregisterController, ({ controllerId }, { services }) => {
  if (controllerId === services.nodeId)
    return { errorCode: errorCode('INVALID_REQUEST'), errorMessage: `Controller ID ${controllerId} is running` }
  return {
    errorCode: errorCode('CONTROLLER_ID_NOT_REGISTERED'),
    errorMessage: `Controller ID ${controllerId} is not currently registered.`,
  }
})
