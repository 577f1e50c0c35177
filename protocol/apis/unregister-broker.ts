import { api, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** Removes a broker's registration for good (KIP-500). */
export const UnregisterBroker = api({
  key: 64,
  name: 'UnregisterBroker',
  versions: '0',
  flexible: '0+',
  request: {
    brokerId: int32({ entity: 'brokerId' }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
  },
})
export type UnregisterBrokerRequest = RequestOf<typeof UnregisterBroker>
export type UnregisterBrokerResponse = ResponseInputOf<typeof UnregisterBroker>
