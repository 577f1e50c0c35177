import { expect } from 'chai'
import { batchesOf } from '../../protocol/records/record-batch.ts'
import { SimulatedTransport } from '../../src/network/simulated-transport.ts'
import type { Peer } from '../../src/network/transport.ts'
import { SeededRandom } from '../../storage/host/seeded-random.ts'
import { SimulatedHost } from '../../storage/host/simulated-host.ts'
import type { Rot } from '../rot/rot.ts'
import { servedVersions } from './broker-kinds.ts'
import { runCampaign } from './campaign.ts'
import { runDirectoryCase } from './directory/directory-case.ts'
import { madeDirectory, variants } from './directory/made-directory.ts'
import { exchange, type Victim } from './exchange.ts'
import { kinds } from './kinds.ts'
import { LongTurns } from './long-turns.ts'
import { int16, int32, mutated } from './mutations.ts'
import { framed } from './request-frames.ts'
import { type FailedCase, runCases } from './run-cases.ts'

const SAMPLE = 12_000
const kindsModule = new URL('./kinds.ts', import.meta.url).href
const plantedKinds = new URL('./planted-kinds.fixture.ts', import.meta.url).href

describe('nonsense', () => {
  it('of every kind ends in an answer or a closed connection, and its neighbours are served', async () => {
    const parts = kinds.map(({ name, share }) => ({ kind: name, first: 0, end: Math.ceil((SAMPLE * share) / 100) }))
    const { counts, cases, failures } = await runCampaign({ kindsModule, seed: 7, parts })
    expect(failures.map(({ kind, index, why }) => `${kind} ${index}: ${why}`)).to.deep.equal([])
    for (const { kind, end } of parts) expect(cases.get(kind), kind).to.equal(end)
    // If the broker refused all input early, the fuzzer would prove nothing.
    const requests = counts.get('requests')!
    expect(requests.answered).to.be.above(cases.get('requests')! * 0.9)
    expect(requests['answers without error']).to.be.above(cases.get('requests')! * 0.2)
    expect(Object.keys(requests).filter((name) => name.startsWith('served ')).length).to.be.above(servedVersions / 2)
    expect(counts.get('mutants')!.answered).to.be.above(cases.get('mutants')! * 0.2)
    expect(counts.get('batches')!['batches taken']).to.be.above(cases.get('batches')! * 0.1)
    expect(counts.get('messages')!.decoded).to.be.above(cases.get('messages')! * 0.2)
    expect(counts.get('records')!.decoded).to.be.above(cases.get('records')! * 0.05)
  })
})

describe('nonsense for the endpoint that speaks ZooKeeper’s protocol', () => {
  it('ends in an answer or a closed connection, its neighbours are served, and what is stored is what was seen', async () => {
    const parts = [{ kind: 'zookeeper', first: 0, end: 2000 }]
    const { counts, failures } = await runCampaign({ kindsModule, seed: 3, parts })
    expect(failures.map(({ index, why }) => `${index}: ${why}`)).to.deep.equal([])
    const sums = counts.get('zookeeper')!
    expect(sums.frames).to.be.above(8000)
    expect(sums.answered).to.be.above(400)
    expect(sums.closed).to.be.above(200)
  })
})

describe('a broker on damaged data directories', () => {
  it('serves what is whole, names what is not, and gives nothing wrong', async () => {
    const parts = [{ kind: 'directory', first: 0, end: 40 }]
    const { counts, failures } = await runCampaign({ kindsModule, seed: 5, parts })
    expect(failures.map(({ index, why }) => `${index}: ${why}`)).to.deep.equal([])
    // Some damage must lose data; after most damage the broker must still serve.
    const sums = counts.get('directory')!
    expect(sums.served).to.be.above(20)
    expect(sums['records lost']).to.be.above(0)
  })
})

describe('a broker whose state log has lost a batch', () => {
  it('refuses its groups, rather than answer for some of their offsets', async () => {
    const made = await madeDirectory(variants[0]!)
    const path = '/data/__consumer_offsets-0/00000000000000000009.log'
    const withoutFirst: Rot = {
      what: `${path}: batch 0 taken out`,
      paths: [path],
      apply: (files) =>
        files.replaceWhole(
          path,
          files.readWhole(path)!.subarray(batchesOf(files.readWhole(path)!).batches[0]!.sizeBytes),
        ),
    }
    const counts = await runDirectoryCase(made, [withoutFirst])
    expect(counts).to.include({ served: 1 })
    expect(counts['group answers an error']).to.be.above(0)
  })
})

describe('the fuzzer', () => {
  async function failuresOf(kind: string): Promise<readonly FailedCase[]> {
    const { failures, cases } = await runCampaign({
      kindsModule: plantedKinds,
      seed: 1,
      parts: [{ kind, first: 0, end: 8 }],
      hangMs: 5000,
      heapLimitMb: 100,
    })
    expect(failures.length).to.equal(1)
    expect(cases.get(kind)).to.equal(8)
    return failures
  }

  for (const [kind, why] of [
    ['throws', 'RangeError: a bug'],
    ['rejects', 'RangeError: a late bug'],
    ['rejects aside', 'RangeError: a bug that nobody awaits'],
    ['hangs', 'the case hangs'],
    ['believes lengths', 'the case allocated buffers of 268435456 bytes'],
    ['eats memory', 'the thread died'],
  ] as const) {
    it(`reports a case that ${kind}, and continues after it`, async () => {
      const failures = await failuresOf(kind)
      expect(failures[0]).to.include({ kind, index: 3, seed: 1, input: '03' })
      expect(failures[0]!.why).to.include(why)
    })
  }

  it('repeats a case from its number alone', async () => {
    const kind = kinds.find(({ name }) => name === 'mutants')!
    const inputsOf = async (first: number, end: number) => {
      const inputs = new Map<number, string>()
      let index = -1
      await runCases(
        kind,
        5,
        { first, end },
        {
          began: (each) => {
            index = each
          },
          input: (bytes) => inputs.set(index, bytes.toString('hex')),
          ended() {},
          failed: ({ why }) => expect.fail(why),
        },
      )
      return inputs
    }
    const whole = await inputsOf(0, 300)
    const alone = await inputsOf(270, 271)
    expect(alone.get(270)).to.equal(whole.get(270))
    expect(alone.size).to.equal(21)
  })

  it('keeps the longest turns of all cases', () => {
    const turns = new LongTurns()
    for (const cpuMs of [3, 9, 1, 7, 5, 8, 2, 6]) turns.add({ kind: 'noise', index: 100 + cpuMs, cpuMs })
    expect(turns.longest.map(({ index }) => index)).to.deep.equal([109, 108, 107, 106, 105])
  })

  it('measures the turns of cases that go through a broker', async () => {
    const kind = kinds.find(({ name }) => name === 'requests')!
    const turns = new LongTurns()
    const failed = ({ why }: { why: string }) => expect.fail(why)
    await runCases(
      kind,
      5,
      { first: 3, end: 5 },
      { began() {}, input() {}, ended() {}, failed, turned: (turn) => turns.add(turn) },
    )
    expect(turns.longest.map(({ index }) => index).sort()).to.deep.equal([3, 4])
    for (const { cpuMs } of turns.longest) expect(cpuMs).to.be.within(0, 3000)
  })

  it('changes what it mutates', () => {
    const random = new SeededRandom(1)
    const bytes = random.bytes(40)
    const mutants = new Set(Array.from({ length: 200 }, () => mutated(bytes, random).toString('hex')))
    expect(mutants.size).to.be.above(190)
    expect(bytes).to.have.length(40)
  })
})

/** A request of ApiVersions v0. */
const request = framed(Buffer.concat([int16(18), int16(0), int32(7), int16(-1)]))
/** A frame around an answer to it: no error, no apis. */
const answerTo = (correlationId: number) => framed(Buffer.concat([int32(correlationId), int16(0), int32(0)]))

/** A broker with a scripted reaction to each request. */
function victimThat(onRequest: (peer: Peer, correlationId: number) => void, faults: string[] = []): Victim {
  const host = new SimulatedHost(1)
  const transport = new SimulatedTransport(host.timers)
  void transport.listen({ host: '', port: 1, backlog: 10 }, (peer) => ({
    onBytes(chunk) {
      for (let at = 0; at + 12 <= chunk.length; at += 4 + chunk.readInt32BE(at))
        onRequest(peer, chunk.readInt32BE(at + 8))
    },
    onClose() {},
  }))
  return { host, requestLimitBytes: 1000, connect: (client) => transport.connect(1, client), faults: () => faults }
}

describe('an exchange', () => {
  const answers = (peer: Peer, id: number) => peer.write([answerTo(id)], () => {})

  it('ends with an answer to each request, or closed', async () => {
    expect(await exchange(victimThat(answers), [request])).to.have.property('ending', 'answered')
    expect(
      await exchange(
        victimThat((peer) => peer.destroy()),
        [request],
      ),
    ).to.have.property('ending', 'closed')
  })

  for (const [what, victim, why] of [
    ['no answer', victimThat(() => {}), 'no answer to ApiVersions v0'],
    [
      'an answer to a later request alone',
      victimThat((peer, id) => id !== 7 && answers(peer, id)),
      'but one to a later',
    ],
    ['an answer to nothing', victimThat((peer, id) => answers(peer, id === 7 ? 8 : id)), "not the next request's"],
    ['an answer too many', victimThat((peer, id) => [answers(peer, id), answers(peer, 9)]), "not the next request's"],
    [
      'garbage',
      victimThat((peer, id) => (id === 7 ? peer.write([framed(int32(7))], () => {}) : answers(peer, id))),
      'cannot be read',
    ],
    ['a fault of its own', victimThat(answers, ['a stack']), 'a stack'],
  ] as const) {
    it(`that has ${what} is a finding`, async () => {
      let finding: unknown
      await exchange(victim, [request]).catch((error) => {
        finding = error
      })
      expect(finding).to.have.property('name', 'Finding')
      expect((finding as Error).message).to.include(why)
    })
  }

  it('with a size that no broker takes has to end the connection', async () => {
    const patient = victimThat(() => {})
    let finding: unknown
    await exchange(patient, [int32(-1)]).catch((error) => {
      finding = error
    })
    expect(finding).to.have.property('name', 'Finding')
  })
})
