import { api, array, int8, int16, int32, type RequestOf, type ResponseInputOf, string } from '../schema.ts'

/** Lists the SCRAM mechanisms and iterations of users, never their keys (KIP-554). */
export const DescribeUserScramCredentials = api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: '0',
  flexible: '0+',
  request: {
    users: array({ name: string() }, { nullable: '0+' }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
      credentialInfos: array({ mechanism: int8(), iterations: int32() }),
    }),
  },
})
export type DescribeUserScramCredentialsRequest = RequestOf<typeof DescribeUserScramCredentials>
export type DescribeUserScramCredentialsResponse = ResponseInputOf<typeof DescribeUserScramCredentials>
