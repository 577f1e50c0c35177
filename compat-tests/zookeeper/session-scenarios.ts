import { opCodes as op } from '../../src/zookeeper/op-codes.ts'
import { bodies } from '../../src/zookeeper/test-client.fixture.ts'
import { end, endCut } from './node-scenarios.ts'
import type { Scenario } from './transcript.ts'

/** Sessions: what clients ask for, resumption, moves, expiry, and what is no session at all. */
export const sessionScenarios: readonly Scenario[] = [
  {
    name: 'timeouts and old clients',
    run: async (t) => {
      for (const timeoutMs of [-1, 0, 5999, 6000, 30_000, 60_000, 60_001, 0x7fffffff])
        await end(await t.client({ timeoutMs }))
      await end(await t.client({ hasReadOnly: false }))
      await end(await t.client({ password: null }))
      await end(await t.client({ password: Buffer.from('x') }))
      const ahead = await t.dial()
      await ahead.connect({ lastZxid: 2 ** 40 })
      await ahead.closed()
    },
  },
  {
    name: 'resumption',
    run: async (t) => {
      const first = await t.client()
      await first.call('ephemeral', op.create, bodies.create('/r', '', undefined, 1))
      await first.call('watch', op.getData, bodies.pathAndWatch('/r', true))
      const { sessionId, password } = first.session!
      first.raw.close()
      await first.closed()
      const second = await t.client({ sessionId, password, timeoutMs: 10_000 })
      await second.call('still there', op.exists, bodies.pathAndWatch('/r'))
      await second.call('no watch', op.setData, bodies.setData('/r', 'x'))
      const third = await t.client({ sessionId, password })
      await second.closed()
      await third.call('moved', op.exists, bodies.pathAndWatch('/r'))
      await end(third)
      const late = await t.dial()
      await late.connect({ sessionId, password })
      await late.closed()
      const check = await t.client()
      await check.call('gone', op.exists, bodies.pathAndWatch('/r'))
      await end(check)
    },
  },
  {
    name: 'sessions that cannot be resumed',
    run: async (t) => {
      const first = await t.client()
      const { sessionId } = first.session!
      first.raw.close()
      await first.closed()
      const wrong = await t.dial()
      await wrong.connect({ sessionId, password: Buffer.alloc(16, 1) })
      await wrong.closed()
      const none = await t.dial()
      await none.connect({ sessionId, password: null })
      await none.closed()
      const old = await t.dial()
      await old.connect({ sessionId: 123n, hasReadOnly: false })
      await old.closed()
      await endCut(t, first)
    },
  },
  {
    name: 'what is sent and left behind is done',
    run: async (t) => {
      const client = await t.client()
      const sent = [
        client.raw.call(op.create, bodies.create('/left', '')),
        client.raw.call(op.setData, bodies.setData('/left', 'x')),
        client.raw.call(op.getData, bodies.pathAndWatch('/left')),
        client.raw.call(op.closeSession),
      ]
      const behind = client.raw.call(op.exists, bodies.pathAndWatch('/left'))
      const types = [op.create, op.setData, op.getData, op.closeSession]
      for (const [index, each] of sent.entries()) await client.wait(`request ${index}`, types[index]!, each)
      await client.refused('behind the end of the session', behind)
      await client.closed()
      const next = await t.client()
      await next.call('delete', op.delete, bodies.pathAndVersion('/left'))
      await end(next)
    },
  },
  {
    name: 'invalid frames',
    run: async (t) => {
      for (const hex of ['ffffffff', '80000000', '00100000', '00000000', '0000000100', '7fffffff', '41424344']) {
        const fresh = await t.dial()
        fresh.raw.raw(Buffer.from(hex, 'hex'))
        await fresh.closed()
        const client = await t.client()
        client.raw.raw(Buffer.from(hex, 'hex'))
        await endCut(t, client)
      }
    },
  },
]

/**
 * Takes the time of the shortest session. Apache ZooKeeper closes silent connections and expires silent sessions by two
 * clocks: either may be first.
 */
export const expiryScenario: Scenario = {
  name: 'expiry',
  run: async (t) => {
    const [watcher, silent] = [await t.client(), await t.client({ timeoutMs: 6000 })]
    await silent.call('ephemeral', op.create, bodies.create('/silent', '', undefined, 1))
    await watcher.call('watch', op.exists, bodies.pathAndWatch('/silent', true))
    await silent.closed()
    await watcher.told()
    await watcher.call('gone', op.exists, bodies.pathAndWatch('/silent'))
    const late = await t.dial()
    await late.connect(silent.session)
    await late.closed()
    await end(watcher)
  },
}
