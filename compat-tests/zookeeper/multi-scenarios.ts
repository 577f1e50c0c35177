import { opCodes as op } from '../../src/zookeeper/op-codes.ts'
import { bodies } from '../../src/zookeeper/test-client.fixture.ts'
import { end } from './node-scenarios.ts'
import type { Scenario } from './transcript.ts'

type Op = readonly [type: number, body: Buffer]
const create = (path: string, flags = 0, type: number = op.create): Op => [
  type,
  bodies.create(path, 'x', undefined, flags),
]
const remove = (path: string, version = -1): Op => [op.delete, bodies.pathAndVersion(path, version)]
const set = (path: string, version = -1): Op => [op.setData, bodies.setData(path, 'y', version)]
const check = (path: string, version = -1): Op => [op.check, bodies.pathAndVersion(path, version)]

const good: readonly Op[] = [create('/m/a'), check('/m'), set('/m'), create('/m/s-', 2), remove('/m/a')]
/** Operations that fail, each with its error. */
const bad: readonly (readonly [name: string, op: Op])[] = [
  ['a missing parent', create('/none/a')],
  ['a node that exists', create('/m')],
  ['flags out of range', create('/m/x', 9)],
  ['a time to live', [op.createTtl, bodies.createTtl('/m/ttl', 5, 1000)]],
  ['an invalid path', set('m')],
  ['a path without a slash', remove('m')],
  ['a wrong version', set('/m', 99)],
  ['a failed check', check('/m', 99)],
  ['a missing node', remove('/none')],
  ['a node with children', remove('/m')],
  ['a special node', remove('/zookeeper')],
  ['an invalid list', [op.create, bodies.create('/m/l', '', [{ perms: 1, scheme: 'x', id: 'y' }])]],
  ['no list', [op.create, bodies.create('/m/l', '', [])]],
]

/** Multi: all together, failures at each place, and what cannot be decoded. */
export const multiScenarios: readonly Scenario[] = [
  {
    name: 'multi',
    run: async (t) => {
      const client = await t.client()
      await client.call('parent', op.create, bodies.create('/m', ''))
      await client.call('empty', op.multi, bodies.multi())
      await client.call('good', op.multi, bodies.multi(...good))
      await client.call('ephemeral', op.multi, bodies.multi(create('/m/e', 1), create('/m/es-', 3), set('/m/e', 0)))
      await client.call('create2', op.multi, bodies.multi(create('/m/c2', 0, op.create2)))
      await client.call('below own ephemeral', op.multi, bodies.multi(create('/m/e2', 1), create('/m/e2/x')))
      await client.call('parent and child', op.multi, bodies.multi(create('/m/p'), create('/m/p/c'), remove('/m/p/c')))
      await client.call('list', op.getChildren2, bodies.pathAndWatch('/m'))
      for (const [name, failing] of bad) {
        for (const at of [0, 2, good.length]) {
          const ops = [...good.slice(0, at), failing, ...good.slice(at)]
          await client.call(`${name} at ${at}`, op.multi, bodies.multi(...ops))
        }
      }
      await client.call('list', op.getChildren2, bodies.pathAndWatch('/m'))
      await end(client)
    },
  },
  {
    name: 'multi and watches',
    run: async (t) => {
      const client = await t.client()
      await client.call('watch', op.exists, bodies.pathAndWatch('/mw', true))
      await client.call('watch', op.getChildren, bodies.pathAndWatch('/', true))
      await client.call('fails', op.multi, bodies.multi(create('/mw'), check('/none')))
      await client.call('works', op.multi, bodies.multi(create('/mw'), set('/mw'), remove('/mw')))
      await end(client)
    },
  },
  {
    name: 'multi that cannot be decoded',
    run: async (t) => {
      const client = await t.client()
      for (const [name, part] of [
        ['a read', [op.getData, bodies.pathAndWatch('/')]],
        ['a list', [op.setAcl, bodies.setAcl('/', [])]],
        ['a null list', [op.create, bodies.create('/x', '', null)]],
        ['a cut body', [op.create, Buffer.from('000000', 'hex')]],
      ] as const)
        await client.call(name, op.multi, bodies.multi(part as Op))
      await client.call('no end', op.multi, bodies.multi(check('/')).subarray(0, -9))
      await client.call('ping', op.ping, undefined, -2)
      await end(client)
    },
  },
]
