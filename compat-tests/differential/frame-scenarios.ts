import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import { apis } from '../../protocol/apis/index.ts'
import { requestHeaderVersion } from '../../protocol/headers.ts'
import type { ApiSchema } from '../../protocol/schema.ts'
import { requestFrame } from '../raw-client.ts'
import type { Scenario } from './scenario.ts'
import { newestIn44 } from './versions.ts'

/** Wraps the bytes in a frame. */
function framed(...parts: readonly (Buffer | readonly number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)))
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

function int16s(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [i, value] of values.entries()) bytes.writeInt16BE(value, 2 * i)
  return bytes
}

function text(value: string): Buffer {
  return Buffer.concat([int16s(value.length), Buffer.from(value)])
}

const correlationId = [0, 0, 0, 7] as const
const noTags = [0] as const

/** A header without a body. */
function bareHeader(apiKey: number, apiVersion: number, headerVersion: number): Buffer {
  return framed(int16s(apiKey, apiVersion), correlationId, text('raw'), headerVersion === 2 ? noTags : [])
}

const strangers: Scenario = {
  name: 'frames: apis that nobody knows, that are gone, or that are for controllers',
  run: async (_send, _opener, knock) => {
    for (const apiKey of [-1, 95, 1000, 32767, -32768])
      for (const version of [0, 3]) await knock(`api ${apiKey} v${version}`, bareHeader(apiKey, version, 1))
    const gone = { LeaderAndIsr: 4, StopReplica: 5, UpdateMetadata: 6, ControlledShutdown: 7 }
    const controllers = { Vote: 52, BeginQuorumEpoch: 53, AlterPartition: 56, Envelope: 58, BrokerRegistration: 62 }
    for (const [name, apiKey] of Object.entries({ ...gone, ...controllers }))
      for (const version of [0, 1]) await knock(`${name} v${version}`, bareHeader(apiKey, version, 1))
  },
}

/** Versions of an API that no 4.4 broker serves. */
// biome-ignore lint/suspicious/noExplicitAny: any api
function unserved(api: ApiSchema<any, any>): number[] {
  return [(newestIn44[api.name] ?? api.versions.newest) + 1, 99, 32767, -1, -32768]
}

const versions: Scenario = {
  name: 'frames: versions that are not served',
  run: async (_send, _opener, knock) => {
    for (const api of apis) {
      for (const version of unserved(api))
        await knock(`${api.name} v${version}`, bareHeader(api.key, version, requestHeaderVersion(api, version)))
    }
  },
}

const ofNobody = { groupId: '', generationId: 1, memberId: 'm' }

function heartbeat(headerTail: readonly (Buffer | readonly number[])[], body: Buffer | readonly number[]): Buffer {
  return framed(int16s(Heartbeat.key, 4), correlationId, ...headerTail, body)
}

/** Heartbeat v4 to no group: compact '', generation 1, compact 'm', no instance. */
const body = [1, 0, 0, 0, 1, 2, 0x6d, 0] as const

const headers: Scenario = {
  name: 'frames: headers',
  run: async (_send, _opener, knock) => {
    for (const version of [0, 4]) {
      await knock(`well, v${version}`, requestFrame(Heartbeat, version, ofNobody))
      const header = { correlationId: -1, clientId: null }
      await knock(`no client id, v${version}`, requestFrame(Heartbeat, version, ofNobody, header))
      await knock(
        `empty client id, v${version}`,
        requestFrame(Heartbeat, version, ofNobody, { ...header, clientId: '' }),
      )
    }
    await knock('a tag', heartbeat([text('raw'), [1, 5, 2, 9, 9]], [...body, 0]))
    await knock('tags out of order', heartbeat([text('raw'), [2, 5, 0, 4, 0]], [...body, 0]))
    await knock('a tag twice', heartbeat([text('raw'), [2, 5, 0, 5, 0]], [...body, 0]))
    await knock('a tag that ends beyond', heartbeat([text('raw'), [1, 5, 100]], [...body, 0]))
    await knock('a client id of negative length', heartbeat([int16s(-2), noTags], [...body, 0]))
    await knock('a client id that ends beyond', heartbeat([int16s(500), Buffer.from('raw'), noTags], [...body, 0]))
    await knock('a client id that is no text', heartbeat([int16s(2), [0xff, 0xfe], noTags], [...body, 0]))
    await knock('no client id at all', framed(int16s(Heartbeat.key, 0), correlationId))
    await knock('half a correlation id', framed(int16s(Heartbeat.key, 0), [0, 0]))
    await knock('a key alone', framed(int16s(Heartbeat.key)))
    await knock('a byte', framed([0]))
  },
}

const bodies: Scenario = {
  name: 'frames: bodies',
  run: async (_send, _opener, knock) => {
    const beat = (what: string, ...bytes: number[]) => knock(what, heartbeat([text('raw'), noTags], bytes))
    await beat('well', ...body, 0)
    await beat('a tag', ...body, 1, 5, 2, 9, 9)
    await beat('tags out of order', ...body, 2, 5, 0, 4, 0)
    await beat('a tag twice', ...body, 2, 5, 0, 5, 0)
    await beat('a tag that ends beyond', ...body, 1, 5, 9)
    await beat('bytes behind', ...body, 0, 1, 2, 3)
    await beat('no tags', ...body)
    await beat('an endless varint', ...body, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
    await beat('no group id', 0, ...body.slice(1), 0)
    await beat('a group id that ends beyond', 0x7f, ...body.slice(1), 0)
    await beat('a group id of 2 GB', 0xff, 0xff, 0xff, 0xff, 0x07, ...body.slice(1), 0)
    await beat('a group id of negative length', 0xff, 0xff, 0xff, 0xff, 0x0f, ...body.slice(1), 0)
    await beat('nothing')
    const old = (what: string, bytes: Buffer) =>
      knock(what, framed(int16s(Heartbeat.key, 0), correlationId, text('raw'), bytes))
    await old('no group id, of old', Buffer.concat([int16s(-1, 0, 1), text('m')]))
    await old('a group id of negative length, of old', Buffer.concat([int16s(-5, 0, 1), text('m')]))
    await old('bytes behind, of old', Buffer.concat([text(''), int16s(0, 1), text('m'), text('more')]))
  },
}

const sizes: Scenario = {
  name: 'frames: sizes',
  run: async (_send, _opener, knock) => {
    await knock('0', Buffer.alloc(4))
    await knock('-1', Buffer.from([0xff, 0xff, 0xff, 0xff]))
    await knock('-2147483648', Buffer.from([0x80, 0, 0, 0]))
    await knock('one more than socket.request.max.bytes', Buffer.from([0x06, 0x40, 0, 1]))
    await knock('2147483647', Buffer.from([0x7f, 0xff, 0xff, 0xff]))
    // A response in time or none at all: one must not hold up the other.
    const frame = requestFrame(Heartbeat, 4, ofNobody)
    await knock('two at once', Buffer.concat([frame, frame]), 2)
    const refused = bareHeader(ApiVersions.key, 99, 2)
    await knock('an ApiVersions of times to come, and a request', Buffer.concat([refused, frame]), 2)
    await knock('a request, and nonsense', Buffer.concat([frame, framed(int16s(1000, 0))]), 2)
    await knock('a request, and a size that is none', Buffer.concat([frame, Buffer.alloc(4, 0xff)]), 2)
    await knock('a request, and nothing', Buffer.concat([frame, Buffer.alloc(4)]), 2)
  },
}

/** Malformed frames, each on its own connection. */
export const frameScenarios: readonly Scenario[] = [strangers, versions, headers, bodies, sizes]
