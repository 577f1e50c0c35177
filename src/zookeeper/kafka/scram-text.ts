import type { ScramCredential } from '../../metadata/metadata-image.ts'

/** Names of Kafka's ScramMechanism ids. */
const mechanisms = new Map([
  [1, 'SCRAM-SHA-256'],
  [2, 'SCRAM-SHA-512'],
])

export function mechanismName(mechanism: number): string {
  return mechanisms.get(mechanism) ?? `SCRAM-${mechanism}`
}

/** Undefined if no mechanism has that name. */
export function mechanismOf(name: string): number | undefined {
  for (const [mechanism, known] of mechanisms) if (known === name) return mechanism
  return undefined
}

/** A credential as a user's node has it. Source: ScramCredentialUtils. */
export function credentialText({ salt, storedKey, serverKey, iterations }: ScramCredential): string {
  const [saltText, storedText, serverText] = [salt, storedKey, serverKey].map((each) => each.toString('base64'))
  return `salt=${saltText},stored_key=${storedText},server_key=${serverText},iterations=${iterations}`
}

/** Inverse of `credentialText`; undefined if malformed. */
export function readCredential(text: string): ScramCredential | undefined {
  const fields = new Map(
    text.split(',').map((field) => {
      const end = field.indexOf('=')
      return [field.slice(0, end), field.slice(end + 1)] as const
    }),
  )
  const bytes = (name: string) => {
    const value = fields.get(name)
    return value !== undefined && /^[A-Za-z0-9+/]+={0,2}$/.test(value) ? Buffer.from(value, 'base64') : undefined
  }
  const [salt, storedKey, serverKey] = [bytes('salt'), bytes('stored_key'), bytes('server_key')]
  const iterations = fields.get('iterations') ?? ''
  if (fields.size !== 4 || !/^\d{1,9}$/.test(iterations)) return undefined
  if (salt === undefined || storedKey === undefined || serverKey === undefined) return undefined
  return { salt, storedKey, serverKey, iterations: Number(iterations) }
}
