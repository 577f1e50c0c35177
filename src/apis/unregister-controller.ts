import { UnregisterController } from '../../protocol/apis/unregister-controller.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** Refuses: the only controller is in this process, which is running. Source: ClusterControlManager. */
export const unregisterController = handler(UnregisterController, ({ controllerId }, { services }) => {
  if (controllerId === services.metadata.image.controllerId)
    return {
      errorCode: errorCode('INVALID_REQUEST'),
      errorMessage: 'Controller cannot unregister itself while it is active.',
    }
  return {
    errorCode: errorCode('CONTROLLER_ID_NOT_REGISTERED'),
    errorMessage: `Controller ID ${controllerId} is not currently registered.`,
  }
})
