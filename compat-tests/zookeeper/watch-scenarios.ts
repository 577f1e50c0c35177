import { opCodes as op } from '../../src/zookeeper/op-codes.ts'
import { bodies } from '../../src/zookeeper/test-client.fixture.ts'
import { end } from './node-scenarios.ts'
import type { Actor, Scenario } from './transcript.ts'

const CHILDREN = 1
const DATA = 2
const ANY = 3

/** Watches of all kinds, told once, by one's own changes and by those of others, and set anew. */
export const watchScenarios: readonly Scenario[] = [
  {
    name: 'watches',
    run: async (t) => {
      const [watcher, changer] = [await t.client(), await t.client()]
      await watchAll(watcher, '/w')
      await changer.call('create', op.create, bodies.create('/w', ''))
      await ping(watcher)
      await watchAll(watcher, '/w')
      await changer.call('set', op.setData, bodies.setData('/w', 'x'))
      await ping(watcher)
      await changer.call('set', op.setData, bodies.setData('/w', 'y'))
      await changer.call('child', op.create, bodies.create('/w/c', ''))
      await ping(watcher)
      await watchAll(watcher, '/w')
      await watchAll(watcher, '/w/c')
      await changer.call('acl', op.setAcl, bodies.setAcl('/w', [{ perms: 31, scheme: 'world', id: 'anyone' }]))
      await ping(watcher)
      await changer.call('delete child', op.delete, bodies.pathAndVersion('/w/c'))
      await ping(watcher)
      await watchAll(watcher, '/w')
      await changer.call('delete', op.delete, bodies.pathAndVersion('/w'))
      await ping(watcher)
      await watchAll(changer, '/w')
      await changer.call('own', op.create, bodies.create('/w', ''))
      await watchAll(changer, '/w')
      await watchAll(changer, '/')
      await changer.call('own', op.delete, bodies.pathAndVersion('/w'))
      await watchAll(watcher, '')
      await changer.call('at the root', op.create, bodies.create('/w', ''))
      await changer.call('at the root', op.delete, bodies.pathAndVersion('/w'))
      await ping(watcher)
      await end(watcher)
      await end(changer)
    },
  },
  {
    name: 'ephemeral nodes end with their session, and watches are told',
    run: async (t) => {
      const [watcher, owner] = [await t.client(), await t.client()]
      await owner.call('parent', op.create, bodies.create('/e', ''))
      await owner.call('ephemeral', op.create2, bodies.create('/e/1', '', undefined, 1))
      await owner.call('ephemeral', op.create2, bodies.create('/e/2', '', undefined, 1))
      await watchAll(watcher, '/e')
      await watchAll(watcher, '/e/1')
      await watchAll(owner, '/e/2')
      await end(owner)
      await ping(watcher)
      await watcher.call('parent', op.exists, bodies.pathAndWatch('/e'))
      await watcher.call('delete', op.delete, bodies.pathAndVersion('/e'))
      await end(watcher)
    },
  },
  {
    name: 'watches set anew',
    run: async (t) => {
      const client = await t.client()
      await client.call('a', op.create, bodies.create('/a', ''))
      await client.call('b', op.create, bodies.create('/b', ''))
      const { zxid } = await client.raw.call(op.ping)
      await client.call('change a', op.setData, bodies.setData('/a', 'x'))
      await client.call('child of b', op.create, bodies.create('/b/c', ''))
      const [known, unknown] = [
        ['/a', '/b', '/none'],
        ['/a', '/none'],
      ]
      await client.call('set watches', op.setWatches, bodies.setWatches(zxid, known, unknown, known), -8)
      await client.call('change b', op.setData, bodies.setData('/b', 'x'))
      await client.call('create none', op.create, bodies.create('/none', ''))
      await client.call('child of a', op.create, bodies.create('/a/c', ''))
      await client.call('all known', op.setWatches, bodies.setWatches(1e15, known, [], known), -8)
      for (const path of ['/a/c', '/b/c', '/none', '/a', '/b'])
        await client.call(`delete ${path}`, op.delete, bodies.pathAndVersion(path))
      await client.call('nothing', op.setWatches, bodies.setWatches(0, [], [], []), -8)
      await end(client)
    },
  },
  {
    name: 'watches asked for and removed',
    run: async (t) => {
      const client = await t.client()
      await client.call('create', op.create, bodies.create('/w', ''))
      for (const type of [CHILDREN, DATA, ANY, 0, 4]) {
        await client.call(`none of ${type}`, op.checkWatches, bodies.pathAndVersion('/w', type))
        await client.call(`none of ${type}`, op.removeWatches, bodies.pathAndVersion('/w', type))
      }
      for (const removed of [CHILDREN, DATA, ANY]) {
        await watchAll(client, '/w')
        for (const type of [CHILDREN, DATA, ANY])
          await client.call(`check ${type}`, op.checkWatches, bodies.pathAndVersion('/w', type))
        await client.call(`remove ${removed}`, op.removeWatches, bodies.pathAndVersion('/w', removed))
        for (const type of [CHILDREN, DATA, ANY])
          await client.call(`check ${type}`, op.checkWatches, bodies.pathAndVersion('/w', type))
      }
      await client.call('delete', op.delete, bodies.pathAndVersion('/w'))
      await end(client)
    },
  },
]

async function watchAll(client: Actor, path: string): Promise<void> {
  await client.call(`watch ${path}`, op.exists, bodies.pathAndWatch(path, true))
  await client.call(`watch data of ${path}`, op.getData, bodies.pathAndWatch(path, true))
  await client.call(`watch children of ${path}`, op.getChildren, bodies.pathAndWatch(path, true))
}

/** Its answer comes after all events so far. */
async function ping(client: Actor): Promise<void> {
  await client.call('ping', op.ping, undefined, -2)
}
