import {
  AlterUserScramCredentials,
  type AlterUserScramCredentialsRequest,
} from '../../protocol/apis/alter-user-scram-credentials.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import type { MetadataImage } from '../metadata/metadata-image.ts'
import type { ScramChange } from '../metadata/metadata-store.ts'
import { scramSupported } from '../metadata/record-versions.ts'
import { isScramMechanism, iterationsFault, scramCredential } from '../security/scram-credential.ts'
import { handler } from './handler.ts'

type Upsertion = AlterUserScramCredentialsRequest['upsertions'][number]
type Deletion = AlterUserScramCredentialsRequest['deletions'][number]

/**
 * Sets and removes SCRAM credentials. A request changes one credential of a user: a second change, of another
 * mechanism too, refuses both. Source: ScramControlManager.alterCredentials.
 */
export const alterUserScramCredentials = handler(AlterUserScramCredentials, async (request, context) => {
  const { services, nowMs, principal, slices } = context
  let outcomes = new Map<string, ScramChange | Rejection>()
  const note = (user: string, outcomeOf: () => ScramChange | Rejection) => {
    const before = outcomes.get(user)
    if (isRejection(before)) return
    outcomes.set(user, before === undefined ? outcomeOf() : changedTwice)
  }
  const decide = function* (image: MetadataImage) {
    outcomes = new Map()
    for (const each of request.deletions) {
      note(each.name, () => unsupportedBy(image) ?? removal(each, image))
      yield
    }
    for (const each of request.upsertions) {
      note(each.name, () => unsupportedBy(image) ?? insertion(each))
      yield
    }
    return [...outcomes.values()].flatMap((outcome) => (isRejection(outcome) ? [] : [outcome]))
  }
  await services.metadata.alterScramCredentials(decide, { nowMs, principal, slices })
  return {
    results: await mapInSlices(outcomes, slices, ([user, outcome]) =>
      isRejection(outcome)
        ? { user, errorCode: outcome.code, errorMessage: outcome.message }
        : { user, errorCode: 0, errorMessage: null },
    ),
  }
})

const changedTwice = reject('DUPLICATE_RESOURCE', 'A user credential cannot be altered twice in the same request')

function unsupportedBy({ features }: MetadataImage): Rejection | undefined {
  if (scramSupported(features)) return undefined
  return reject('UNSUPPORTED_VERSION', 'The current metadata.version does not support SCRAM')
}

function insertion(upsertion: Upsertion): ScramChange | Rejection {
  const { name: user, mechanism } = upsertion
  const refusal = identityFault(user, mechanism)
  if (refusal !== undefined) return refusal
  const fault = iterationsFault(upsertion.iterations)
  if (fault !== undefined) return reject('UNACCEPTABLE_CREDENTIAL', fault)
  return { user, mechanism, credential: scramCredential(mechanism, upsertion) }
}

function removal({ name: user, mechanism }: Deletion, image: MetadataImage): ScramChange | Rejection {
  const refusal = identityFault(user, mechanism)
  if (refusal !== undefined) return refusal
  if (image.scramCredentials.get(user)?.has(mechanism) === true) return { user, mechanism, credential: null }
  return reject('RESOURCE_NOT_FOUND', 'Attempt to delete a user credential that does not exist')
}

function identityFault(user: string, mechanism: number): Rejection | undefined {
  if (user === '') return reject('UNACCEPTABLE_CREDENTIAL', 'Username must not be empty')
  return isScramMechanism(mechanism) ? undefined : reject('UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism')
}
