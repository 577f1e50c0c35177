import { api, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** Removes a controller's registration for good. New in Kafka 4.4. */
export const UnregisterController = api({
  key: 94,
  name: 'UnregisterController',
  versions: '0',
  flexible: '0+',
  request: {
    controllerId: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
  },
})
export type UnregisterControllerRequest = RequestOf<typeof UnregisterController>
export type UnregisterControllerResponse = ResponseInputOf<typeof UnregisterController>
