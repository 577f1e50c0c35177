import { parseUuidText } from '../../../protocol/uuid-text.ts'
import { LARGEST_PORT } from '../../config/listeners.ts'
import { CommandFailure } from './command-failure.ts'

/** A controller in --initial-controllers. */
export interface InitialVoter {
  readonly nodeId: number
  /** IPv6 without brackets. */
  readonly host: string
  readonly port: number
  readonly directoryId: string
}

/** Reads `1@localhost:9093:JEXY6aqzQY-32P5TStzaFg,...`. Throws CommandFailure. Source: DynamicVoters.parse. */
export function votersOf(text: string): InitialVoter[] {
  const voters = text
    .trim()
    .split(',')
    .filter((each) => each !== '')
    .map((each) => voterOf(each.trim()))
  const ids = voters.map(({ nodeId }) => nodeId)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new CommandFailure(`Node id ${twice} was specified more than once.`)
  return voters
}

function voterOf(text: string): InitialVoter {
  const at = text.indexOf('@')
  check(at >= 0, 'No @ found in dynamic voter string.')
  check(at > 0, 'Invalid @ at beginning of dynamic voter string.')
  const id = text.slice(0, at)
  check(/^[+-]?\d+$/.test(id), 'Failed to parse node id in dynamic voter string.')
  check(Number(id) >= 0, `Invalid negative node id ${Number(id)} in dynamic voter string.`)
  const address = text.slice(at + 1)
  check(address !== '', 'No hostname found after node id.')
  const [host, rest] = hostOf(address)
  check(rest.startsWith(':'), 'Port section must start with a colon.')
  const [, port, directory] = /^:([^:]*):(.*)$/.exec(rest) ?? []
  check(port !== undefined && directory !== undefined, 'No colon following port could be found.')
  check(/^[+-]?\d+$/.test(port), 'Failed to parse port in dynamic voter string.')
  check(Number(port) >= 0 && Number(port) <= LARGEST_PORT, `Invalid port ${port} in dynamic voter string.`)
  const directoryId = parseUuidText(directory)
  check(directoryId !== undefined, 'Failed to parse directory ID in dynamic voter string.')
  return { nodeId: Number(id), host, port: Number(port), directoryId }
}

function hostOf(text: string): [host: string, rest: string] {
  const isBracketed = text.startsWith('[')
  const end = text.indexOf(isBracketed ? ']' : ':')
  check(end >= 0, isBracketed ? NO_BRACKET : 'No colon following hostname could be found.')
  return isBracketed ? [text.slice(1, end), text.slice(end + 1)] : [text.slice(0, end), text.slice(end)]
}

const NO_BRACKET = 'Hostname began with left bracket, but no right bracket was found.'

function check(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new CommandFailure(otherwise)
}
