import { opCodes as op } from '../../src/zookeeper/op-codes.ts'
import { bodies } from '../../src/zookeeper/test-client.fixture.ts'
import type { Actor, Scenario, Transcript } from './transcript.ts'

/** Nodes: creation in every mode, data, deletion, questions, with good and bad arguments. */
export const nodeScenarios: readonly Scenario[] = [
  {
    name: 'a fresh server',
    run: async (t) => {
      const client = await t.client()
      await client.call('ping', op.ping, undefined, -2)
      for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
        await client.call(`get ${path}`, op.getData, bodies.pathAndWatch(path))
        await client.call(`children ${path}`, op.getChildren2, bodies.pathAndWatch(path))
        await client.call(`acl ${path}`, op.getAcl, bodies.path(path))
        await client.call(`delete ${path}`, op.delete, bodies.pathAndVersion(path))
      }
      await client.call('set /zookeeper/config', op.setData, bodies.setData('/zookeeper/config', 'x'))
      await client.call('set the root', op.setData, bodies.setData('/', 'root'))
      await client.call('get the root', op.getData, bodies.pathAndWatch(''))
      await client.call('set the root back', op.setData, bodies.setData('/', ''))
      await end(client)
    },
  },
  {
    name: 'creation, data and deletion',
    run: async (t) => {
      const client = await t.client()
      await client.call('create', op.create, bodies.create('/n', 'one'))
      await client.call('again', op.create, bodies.create('/n', 'one'))
      await client.call('exists', op.exists, bodies.pathAndWatch('/n'))
      await client.call('set', op.setData, bodies.setData('/n', 'three'))
      await client.call('set version 1', op.setData, bodies.setData('/n', 'x', 1))
      await client.call('set version 1 again', op.setData, bodies.setData('/n', 'x', 1))
      await client.call('get', op.getData, bodies.pathAndWatch('/n'))
      await client.call('set to null', op.setData, bodies.setData('/n', null))
      await client.call('get null', op.getData, bodies.pathAndWatch('/n'))
      await client.call('child', op.create2, bodies.create('/n/c', null))
      await client.call('parent', op.getChildren2, bodies.pathAndWatch('/n'))
      await client.call('delete parent', op.delete, bodies.pathAndVersion('/n'))
      await client.call('delete child, wrong version', op.delete, bodies.pathAndVersion('/n/c', 3))
      await client.call('delete child', op.delete, bodies.pathAndVersion('/n/c', 0))
      await client.call('parent after', op.exists, bodies.pathAndWatch('/n'))
      await client.call('delete', op.delete, bodies.pathAndVersion('/n'))
      await client.call('exists after', op.exists, bodies.pathAndWatch('/n'))
      await client.call('delete again', op.delete, bodies.pathAndVersion('/n'))
      await end(client)
    },
  },
  {
    name: 'modes of creation',
    run: async (t) => {
      const client = await t.client()
      await client.call('parent', op.create, bodies.create('/m', ''))
      for (let flags = -1; flags <= 7; flags++) {
        for (const type of [op.create, op.create2, op.createContainer])
          await client.call(
            `type ${type} flags ${flags}`,
            type,
            bodies.create(`/m/${type}-${flags}`, 'x', undefined, flags),
          )
      }
      for (const flags of [0, 1, 5, 6])
        await client.call(`ttl, flags ${flags}`, op.createTtl, bodies.createTtl(`/m/ttl-${flags}`, flags, 1000))
      await client.call('below ephemeral', op.create, bodies.create('/m/1-1/x', ''))
      await client.call('list', op.getChildren2, bodies.pathAndWatch('/m'))
      await client.call('sequence at the root', op.create, bodies.create('/', '', undefined, 3))
      await end(client)
      const next = await t.client()
      await next.call('list after', op.getChildren2, bodies.pathAndWatch('/m'))
      await end(next)
    },
  },
  {
    name: 'paths',
    run: async (t) => {
      const client = await t.client()
      for (const path of paths) {
        const shown = JSON.stringify(path)
        await client.call(`create ${shown}`, op.create, bodies.create(path, ''))
        await client.call(`create sequential ${shown}`, op.create, bodies.create(path, '', undefined, 3))
        await client.call(`exists ${shown}`, op.exists, bodies.pathAndWatch(path))
        await client.call(`get ${shown}`, op.getData, bodies.pathAndWatch(path))
        await client.call(`set ${shown}`, op.setData, bodies.setData(path, ''))
        await client.call(`children ${shown}`, op.getChildren, bodies.pathAndWatch(path))
        await client.call(`acl ${shown}`, op.getAcl, bodies.path(path))
        await client.call(
          `set acl ${shown}`,
          op.setAcl,
          bodies.setAcl(path, [{ perms: 31, scheme: 'world', id: 'anyone' }]),
        )
        // Java's ZooKeeper echoes characters outside the plane in an encoding that is no UTF-8. No node can have them.
        if (path !== EMOJI) await client.call(`sync ${shown}`, op.sync, bodies.path(path))
        await client.call(`check ${shown}`, op.check, bodies.pathAndVersion(path, 99))
        await client.call(`delete ${shown}`, op.delete, bodies.pathAndVersion(path))
      }
      await end(client)
    },
  },
  {
    name: 'sequences',
    run: async (t) => {
      const client = await t.client()
      await client.call('parent', op.create, bodies.create('/s', ''))
      for (let i = 0; i < 3; i++) await client.call('next', op.create, bodies.create('/s/a-', '', undefined, 2))
      await client.call('other name', op.create, bodies.create('/s/b-', '', undefined, 3))
      await client.call('delete', op.delete, bodies.pathAndVersion('/s/a-0000000001'))
      await client.call('after a deletion', op.create, bodies.create('/s/a-', '', undefined, 2))
      await client.call('no name', op.create, bodies.create('/s/', '', undefined, 2))
      await client.call('plain', op.create, bodies.create('/s/plain', ''))
      await client.call('in the way', op.create, bodies.create('/s/c-0000000008', ''))
      await client.call('taken', op.create, bodies.create('/s/c-', '', undefined, 2))
      await client.call('list', op.getChildren2, bodies.pathAndWatch('/s'))
      await end(client)
    },
  },
  {
    name: 'requests that are not served',
    run: async (t) => {
      const client = await t.client()
      await client.call('reconfig', op.reconfig, Buffer.alloc(20))
      await client.call('reconfig of nothing', op.reconfig)
      await client.call('delete container', op.deleteContainer, bodies.path('/x'))
      await client.call('sasl', op.sasl, bodies.path(''))
      for (const type of [op.create, op.create2, op.createTtl, op.delete, op.setData, op.setAcl, op.check, op.multi])
        await client.call(`write ${type} without a body`, type)
      for (const type of [op.exists, op.getData, op.getChildren, op.getChildren2, op.getAcl, op.sync, op.setWatches])
        await client.call(`read ${type} without a body`, type)
      await client.call('negative length', op.getData, Buffer.from('fffffff000', 'hex'))
      await client.call('bytes too many', op.exists, Buffer.concat([bodies.pathAndWatch('/'), Buffer.alloc(9)]))
      for (const type of [0, -1, 10, 99, 12345]) {
        const other = await t.client()
        await other.call(`type ${type}`, type)
        await endCut(t, other)
      }
      await end(client)
    },
  },
]

const EMOJI = '/\u{1f600}'

const paths = [
  null,
  '',
  'x',
  'x/y',
  '/',
  '//',
  '/p/',
  '/p//q',
  '/missing/q',
  '/.',
  '/..',
  '/p/./q',
  '/...',
  '/.x',
  '/x..',
  '/a\u0000b',
  '/a\u0001b',
  '/a\u007fb',
  '/ä€',
  EMOJI,
  '/\ufffd',
  '/\ue000',
  '/a b',
  '/zookeeper',
]

/** Waits until the server has closed the connection, and ends the session: it would expire within a later scenario. */
export async function endCut(t: Transcript, client: Actor): Promise<void> {
  await client.closed()
  const { sessionId, password } = client.session!
  await end(await t.client({ sessionId, password }))
}

/** Ends the session, so that nothing of it is left for the next scenario. */
export async function end(client: Actor): Promise<void> {
  await client.call('close', op.closeSession)
  await client.closed()
}
