import { pbkdf2Sync } from 'node:crypto'
import type { Random } from '../../../storage/host/host.ts'
import type { ScramCredential } from '../../metadata/metadata-image.ts'
import { scramCredential } from '../../security/scram-credential.ts'
import { CommandFailure } from './command-failure.ts'

/** A credential that a formatted directory begins with. */
export interface ScramUser {
  readonly name: string
  /** Kafka's ScramMechanism id. */
  readonly mechanism: number
  readonly credential: ScramCredential
}

const mechanisms = [
  { name: 'SCRAM-SHA-256', id: 1, hash: 'sha256', bytes: 32 },
  { name: 'SCRAM-SHA-512', id: 2, hash: 'sha512', bytes: 64 },
] as const
type Mechanism = (typeof mechanisms)[number]

const DEFAULT_ITERATIONS = 4096
const FEWEST_ITERATIONS = 4096
const MOST_ITERATIONS = 16_384
const SALT_BYTES = 24
const LARGEST_INT = 2 ** 31 - 1

/**
 * Reads `SCRAM-SHA-256=[name=alice,password=secret]`, with iterations, salt and saltedpassword as in Kafka. Throws
 * CommandFailure. Source: ScramParser.
 */
export function scramUserOf(argument: string, random: Pick<Random, 'bytes'>): ScramUser {
  const [mechanism, parts] = splitArgument(argument.trim())
  const name = required(parts, 'name', `You must supply 'name' to add-scram`)
  const given = parts.get('salt')
  const salt = given === undefined ? random.bytes(SALT_BYTES) : base64(given, 'salt')
  const iterations = iterationsOf(parts.get('iterations'))
  const password = parts.get('password')
  const salted = password === undefined ? base64(saltedPasswordIn(parts), 'saltedPassword') : undefined
  const unknown = [...parts.keys()].filter((key) => !known.includes(key)).sort()
  if (unknown.length > 0) throw new CommandFailure(`Unknown SCRAM configurations: ${unknown.join(', ')}`)
  checkIterations(iterations, mechanism)
  const saltedPassword = salted ?? derived(password!, { salt, iterations, mechanism })
  return {
    name,
    mechanism: mechanism.id,
    credential: scramCredential(mechanism.id, { salt, iterations, saltedPassword }),
  }
}

const known = ['name', 'salt', 'iterations', 'password', 'saltedpassword']

function splitArgument(argument: string): [Mechanism, Map<string, string>] {
  const at = argument.indexOf('=')
  // The argument may be a password in the wrong place: Kafka repeats it, too.
  if (at < 0) throw new CommandFailure(`Failed to find equals sign in SCRAM argument '${argument}'`)
  const name = argument.slice(0, at)
  const mechanism = mechanisms.find((each) => each.name === name)
  if (mechanism === undefined) throw new CommandFailure(`The add-scram mechanism ${name} is not supported.`)
  const list = argument.slice(at + 1)
  if (!list.startsWith('[')) throw new CommandFailure('Expected configuration string to start with [')
  if (!list.endsWith(']')) throw new CommandFailure('Expected configuration string to end with ]')
  const texts = list.slice(1, -1).replace(/,+$/, '').split(',')
  return [mechanism, new Map(texts.map(splitPart))]
}

function splitPart(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 0) throw new CommandFailure(`No equals sign found in SCRAM component: ${text}`)
  const value = text.slice(at + 1)
  return [text.slice(0, at), /^"(.*)"$/s.exec(value)?.[1] ?? value]
}

function required(parts: ReadonlyMap<string, string>, key: string, otherwise: string): string {
  const value = parts.get(key)
  if (value === undefined) throw new CommandFailure(otherwise)
  return value
}

function saltedPasswordIn(parts: ReadonlyMap<string, string>): string {
  const salted = required(parts, 'saltedpassword', `You must supply one of 'password' or 'saltedpassword' to add-scram`)
  required(parts, 'salt', `You must supply 'salt' with 'saltedpassword' to add-scram`)
  return salted
}

/** Like Java's decoder: padding may be left out, and nothing else is accepted. */
function base64(text: string, what: string): Buffer {
  const bare = text.replace(/={1,2}$/, '')
  const isPadded = bare !== text
  const isSound = /^[A-Za-z0-9+/]*$/.test(bare) && bare.length % 4 !== 1 && (!isPadded || text.length % 4 === 0)
  if (!isSound) throw new CommandFailure(`Failed to decode given ${what}: ${text}`)
  return Buffer.from(text, 'base64')
}

function iterationsOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_ITERATIONS
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
  if (Math.abs(value) <= LARGEST_INT) return value
  throw new CommandFailure(`Failed to parse iterations count: ${text}`)
}

function checkIterations(iterations: number, { name }: Mechanism): void {
  const using = `for add-scram using ${name.replaceAll('-', '_')}`
  if (iterations < FEWEST_ITERATIONS)
    throw new CommandFailure(`The 'iterations' value must be >= ${FEWEST_ITERATIONS} ${using}`)
  if (iterations > MOST_ITERATIONS)
    throw new CommandFailure(`The 'iterations' value must be <= ${MOST_ITERATIONS} ${using}`)
}

function derived(
  password: string,
  { salt, iterations, mechanism }: { salt: Buffer; iterations: number; mechanism: Mechanism },
): Buffer {
  if (password === '') throw new CommandFailure(`The 'password' value must not be empty for add-scram`)
  return pbkdf2Sync(password, salt, iterations, mechanism.bytes, mechanism.hash)
}
