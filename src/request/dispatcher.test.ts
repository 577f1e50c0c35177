import { expect } from 'chai'
import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import { Fetch } from '../../protocol/apis/fetch.ts'
import { Metadata } from '../../protocol/apis/metadata.ts'
import { Produce } from '../../protocol/apis/produce.ts'
import { errorCode, errorName } from '../../protocol/error-codes.ts'
import { invariant } from '../../protocol/invariant.ts'
import { string, ZERO_UUID } from '../../protocol/schema.ts'
import { apiVersions } from '../apis/api-versions.ts'
import { DataPath, handlerOf } from '../apis/data-path.fixture.ts'
import { type RequestContext, WithRelease } from '../apis/handler.ts'
import { metadata } from '../apis/metadata.ts'
import { RecordedMetrics } from '../observe/recorded-metrics.fixture.ts'

const software = { clientSoftwareName: 'test-suite', clientSoftwareVersion: '1.2.3' }

/** A request without a body: header of any api key and version, in the oldest header format. */
function bareRequest(apiKey: number, apiVersion: number): Buffer {
  const bytes = Buffer.alloc(4 + 10)
  bytes.writeInt32BE(10, 0)
  bytes.writeInt16BE(apiKey, 4)
  bytes.writeInt16BE(apiVersion, 6)
  bytes.writeInt32BE(77, 8)
  bytes.writeInt16BE(-1, 12)
  return bytes
}

describe('ApiVersions', () => {
  for (let version = 0; version <= 4; version++) {
    it(`v${version} answers exactly the supported versions`, async () => {
      const path = new DataPath([apiVersions, handlerOf(Produce.key, () => undefined)])
      const response = await path.connect().call(ApiVersions, version, software)
      expect(response.errorCode).to.equal(0)
      expect(response.apiKeys).to.deep.include({ apiKey: 0, minVersion: 0, maxVersion: 13 })
      expect(response.apiKeys.map(({ apiKey }) => apiKey)).to.deep.equal([18, 0])
      if (version >= 3) {
        expect(response.finalizedFeaturesEpoch).to.equal(7)
        expect(response.finalizedFeatures).to.deep.include({
          name: 'metadata.version',
          minVersionLevel: 30,
          maxVersionLevel: 30,
        })
      }
    })
  }

  it('of an unknown version is answered in v0, with the versions of ApiVersions alone', async () => {
    const path = new DataPath([apiVersions])
    const client = path.connect()
    client.sendBytes(Buffer.concat([bareRequest(18, 99), Buffer.from([0])]).fill(11, 3, 4))
    const response = await client.receive(ApiVersions, 0)
    expect(errorName(response!.errorCode)).to.equal('UNSUPPORTED_VERSION')
    expect(response!.apiKeys).to.deep.equal([{ apiKey: 18, minVersion: 0, maxVersion: 5 }])
    expect((await client.call(ApiVersions, 3, software)).errorCode).to.equal(0)
  })

  it('answers features with minimum version 0 from v4 on', async () => {
    const path = new DataPath([apiVersions])
    const names = async (version: number) => {
      const { supportedFeatures } = await path.connect().call(ApiVersions, version, software)
      return supportedFeatures.map(({ name }) => name)
    }
    expect(await names(3)).to.deep.equal(['metadata.version'])
    expect(await names(4)).to.include('group.version')
  })

  it('sends a client that expects another cluster or broker back to its bootstrap servers', async () => {
    const path = new DataPath([apiVersions])
    const ask = async (meant: object) => {
      const { errorCode } = await path.connect().call(ApiVersions, 5, { ...software, ...meant })
      return errorName(errorCode)
    }
    expect(await ask({ clusterId: 'c', nodeId: 1 })).to.equal('NONE')
    expect(await ask({ clusterId: 'd', nodeId: 1 })).to.equal('REBOOTSTRAP_REQUIRED')
    expect(await ask({ clusterId: 'c', nodeId: 2 })).to.equal('REBOOTSTRAP_REQUIRED')
    expect(await ask({ clusterId: 'c', nodeId: -2 })).to.equal('REBOOTSTRAP_REQUIRED')
    expect(await ask({ clusterId: 'c' })).to.equal('INVALID_REQUEST')
    expect(await ask({ nodeId: 1 })).to.equal('INVALID_REQUEST')
  })

  it('refuses an invalid software name', async () => {
    const path = new DataPath([apiVersions])
    const response = await path.connect().call(ApiVersions, 3, { ...software, clientSoftwareName: 'a b' })
    expect(errorName(response.errorCode)).to.equal('INVALID_REQUEST')
  })

  it('is remembered for the life of the connection', async () => {
    let seen: RequestContext['clientSoftware'] | undefined
    const look = handlerOf(Produce.key, (_, context) => {
      seen = context.clientSoftware
      return { responses: [] } as never
    })
    const path = new DataPath([apiVersions, look])
    const client = path.connect()
    await client.call(ApiVersions, 3, software)
    await client.call(Produce, 9, { transactionalId: null, acks: 1, timeoutMs: 1, topicData: [] })
    expect(seen).to.deep.equal({ name: 'test-suite', version: '1.2.3' })
  })
})

describe('the dispatcher', () => {
  it('answers an error to all requests but ApiVersions while it refuses them', async () => {
    const path = new DataPath([apiVersions, handlerOf(DeleteGroups.key, () => ({ results: [] }))])
    path.refusal = 'NOT_CONTROLLER'
    const client = path.connect()
    expect((await client.call(ApiVersions, 3, software)).errorCode).to.equal(0)
    const refused = await client.call(DeleteGroups, 2, { groupsNames: ['g'] })
    expect(refused.results.map(({ groupId, errorCode }) => [groupId, errorName(errorCode)])).to.deep.equal([
      ['g', 'NOT_CONTROLLER'],
    ])
    path.refusal = undefined
    expect((await client.call(DeleteGroups, 2, { groupsNames: ['g'] })).results).to.deep.equal([])
  })

  const fetchNothing = { maxWaitMs: 0, minBytes: 0, topics: [], forgottenTopicsData: [] }

  for (const [what, bytes] of [
    ['an unknown api key', bareRequest(999, 0)],
    ['an unknown version', bareRequest(1, 99)],
    ['an api that is not served', bareRequest(3, 0)],
    ['a request without a body', bareRequest(1, 4)],
    ['a frame of one byte', Buffer.from([0, 0, 0, 1, 7])],
  ] as const) {
    it(`closes the connection of a client that sends ${what}, with one warning`, async () => {
      const path = new DataPath([handlerOf(Fetch.key, () => ({ responses: [] }) as never)])
      const [bad, good] = [path.connect(), path.connect()]
      bad.sendBytes(bytes)
      expect(await bad.receive(Fetch, 4)).to.equal(undefined)
      expect(path.warnings).to.have.length(1)
      expect((await good.call(Fetch, 4, fetchNothing)).responses).to.deep.equal([])
    })
  }

  it('answers UNKNOWN_SERVER_ERROR if a handler throws, and logs it', async () => {
    const broken = handlerOf(Fetch.key, () => {
      throw new Error('a bug')
    })
    const path = new DataPath([broken])
    const client = path.connect()
    expect((await client.call(Fetch, 8, fetchNothing)).errorCode).to.equal(errorCode('UNKNOWN_SERVER_ERROR'))
    expect((await client.call(Fetch, 8, fetchNothing)).errorCode).to.equal(errorCode('UNKNOWN_SERVER_ERROR'))
    expect(path.errors).to.deep.equal(['Fetch v8 failed', 'Fetch v8 failed'])
    expect(path.host.fatalReason).to.equal(undefined)
  })

  it('stops the broker if an invariant is broken, even later', async () => {
    const broken = handlerOf(Fetch.key, async () => {
      invariant(false, 'the high watermark fell')
    })
    const path = new DataPath([broken])
    await path.connect().call(Fetch, 8, fetchNothing)
    expect(path.host.fatalReason?.message).to.equal('the high watermark fell')
  })

  it('closes the connection if a produce with acks=0 throws', async () => {
    const broken = handlerOf(Produce.key, () => {
      throw new Error('a bug')
    })
    const path = new DataPath([broken])
    const client = path.connect()
    client.send(Produce, 9, { transactionalId: null, acks: 0, timeoutMs: 1, topicData: [] })
    expect(await client.receive(Produce, 9)).to.equal(undefined)
  })

  it('answers an error if a text is too long for the response, without calling that a bug', async () => {
    const path = new DataPath([handlerOf(DeleteGroups.key, () => ({ results: [{ groupId: 'é'.repeat(20_000) }] }))])
    const { results } = await path.connect().call(DeleteGroups, 2, { groupsNames: ['group'] })
    expect(results[0]).to.include({ groupId: 'group', errorCode: errorCode('UNKNOWN_SERVER_ERROR') })
    expect(path.errors).to.deep.equal([])
    expect(path.warnings).to.deep.equal(['DeleteGroups v2: a text of the answer is too long'])
  })

  it('closes the connection if not even an error can be answered, and logs both', async () => {
    const broken = handlerOf(DeleteGroups.key, () => {
      throw new Error('a bug')
    })
    const nameless = string({ default: null as never })
    const api = { ...DeleteGroups, response: { ...DeleteGroups.response, fields: { nameless } } }
    const path = new DataPath([{ ...broken, api }])
    const client = path.connect()
    client.send(DeleteGroups, 2, { groupsNames: ['group'] })
    expect(await client.receive(DeleteGroups, 2)).to.equal(undefined)
    expect(path.errors).to.deep.equal(['DeleteGroups v2 failed', 'an error response could not be encoded'])
  })

  it('answers an error and releases memory if a response cannot be encoded', async () => {
    let released = 0
    const broken = handlerOf(Fetch.key, () => new WithRelease({ responses: null }, () => released++) as never)
    const path = new DataPath([broken])
    const response = await path.connect().call(Fetch, 8, fetchNothing)
    expect(response.errorCode).to.equal(errorCode('UNKNOWN_SERVER_ERROR'))
    expect(released).to.equal(1)
  })

  it('releases memory once, when the response is sent or its client has disconnected', async () => {
    let released = 0
    let answer = (_: unknown) => {}
    const slow = handlerOf(Fetch.key, () => new Promise((resolve) => (answer = resolve)) as never)
    const path = new DataPath([slow])
    const respond = () => answer(new WithRelease({ responses: [] }, () => released++))
    const client = path.connect()
    client.send(Fetch, 8, fetchNothing)
    await path.host.advance(1)
    respond()
    await client.receive(Fetch, 8)
    await path.host.advance(1)
    expect(released).to.equal(1)
    client.send(Fetch, 8, fetchNothing)
    await path.host.advance(1)
    client.close()
    respond()
    await path.host.settle(Promise.resolve())
    expect(released).to.equal(2)
  })
})

describe('metrics of requests', () => {
  it('count those that were answered, by API and version, with their times', async () => {
    const metrics = new RecordedMetrics()
    const waits = handlerOf(DeleteGroups.key, async (_, { services }) => {
      await new Promise<void>((resolve) => services.host.timers.after(25, resolve))
      return { results: [] }
    })
    const path = new DataPath([apiVersions, waits], {}, metrics)
    const client = path.connect()
    for (const version of [3, 3, 0]) await client.call(ApiVersions, version, software)
    client.send(DeleteGroups, 2, { groupsNames: [] })
    await path.host.advance(25)
    await client.receive(DeleteGroups, 2)
    expect([...metrics.counts]).to.deep.equal([
      ['kafka.network:type=RequestMetrics,name=RequestsPerSec,request=ApiVersions,version=3', 2],
      ['kafka.network:type=RequestMetrics,name=RequestsPerSec,request=ApiVersions,version=0', 1],
      ['kafka.network:type=RequestMetrics,name=RequestsPerSec,request=DeleteGroups,version=2', 1],
    ])
    expect([...metrics.values]).to.deep.equal([
      ['kafka.network:type=RequestMetrics,name=TotalTimeMs,request=ApiVersions', [0, 0, 0]],
      ['kafka.network:type=RequestMetrics,name=TotalTimeMs,request=DeleteGroups', [25]],
    ])
  })

  it('count a request that failed, too', async () => {
    const metrics = new RecordedMetrics()
    const failing = handlerOf(DeleteGroups.key, () => {
      throw new Error('a bug')
    })
    await new DataPath([failing], {}, metrics).connect().call(DeleteGroups, 2, { groupsNames: ['g'] })
    expect([...metrics.counts.values()]).to.deep.equal([1])
    expect([...metrics.values.values()]).to.deep.equal([[0]])
  })
})

describe('a large request', () => {
  const names = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `topic-number-${index}`, topicId: ZERO_UUID }))
  const ask = (count: number) => ({
    topics: names(count),
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
  /** Handlers that record which requests started and which were answered. */
  const noted = (notes: string[], begun = () => {}) =>
    [metadata, apiVersions].map(({ api, handle }) =>
      handlerOf(api.key, async (request, context) => {
        notes.push(`begin ${api.name}`)
        begun()
        const answer = await handle(request as never, context)
        notes.push(`end ${api.name}`)
        return answer
      }),
    )

  it('is answered like a small one', async () => {
    const path = new DataPath([metadata])
    const response = await path.connect().call(Metadata, 9, ask(20_000))
    expect(response.topics.map(({ name }) => name)).to.deep.equal(names(20_000).map(({ name }) => name))
  })

  it('leaves turns to other requests', async () => {
    const notes: string[] = []
    const path = new DataPath(noted(notes))
    const [greedy, other] = [path.connect(), path.connect()]
    greedy.send(Metadata, 9, ask(20_000))
    await other.call(ApiVersions, 3, software)
    expect((await greedy.receive(Metadata, 9))?.topics).to.have.length(20_000)
    expect(notes).to.deep.equal(['begin Metadata', 'begin ApiVersions', 'end ApiVersions', 'end Metadata'])
  })

  it('is dropped when its client disconnects', async () => {
    const notes: string[] = []
    const path = new DataPath(noted(notes, () => client.close()))
    const client = path.connect()
    client.send(Metadata, 9, ask(20_000))
    await path.host.advance(1000)
    expect(notes).to.deep.equal(['begin Metadata'])
    expect([...path.errors, ...path.warnings]).to.deep.equal([])
  })

  it('that is malformed at its end closes the connection', async () => {
    const path = new DataPath([metadata])
    const client = path.connect()
    const bytes = Buffer.alloc(4 + 10 + 200_000, 0x41)
    bytes.writeInt32BE(bytes.length - 4, 0)
    bytes.writeInt16BE(Metadata.key, 4)
    bytes.writeInt16BE(0, 6)
    bytes.writeInt32BE(1, 8)
    bytes.writeInt16BE(-1, 12)
    bytes.writeInt32BE(90_000, 14)
    bytes.fill(0, 18)
    client.sendBytes(bytes)
    // The 90,000 empty names take two bytes each. The 20,000 bytes left over do no harm.
    expect((await client.receive(Metadata, 0))?.topics).to.have.length(1)
    bytes.writeInt16BE(0x7fff, bytes.length - 20_010)
    client.sendBytes(bytes)
    expect(await client.receive(Metadata, 0)).to.equal(undefined)
    expect(path.warnings[0]).to.contain('malformed Metadata v0')
  })
})
