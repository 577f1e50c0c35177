import { opCodes as op } from '../../src/zookeeper/op-codes.ts'
import { anyone, bodies, type TestAcl } from '../../src/zookeeper/test-client.fixture.ts'
import { end, endCut } from './node-scenarios.ts'
import type { Actor, Scenario } from './transcript.ts'

const DIGEST = 'me:Tg7bLSuNzU0gPh8f8bRoEMQtcFE='
const lists: readonly (readonly [name: string, acl: readonly TestAcl[] | null])[] = [
  ['none', []],
  ['null', null],
  ['anyone twice', [...anyone, ...anyone]],
  ['world but not anyone', [{ perms: 1, scheme: 'world', id: 'x' }]],
  ['unknown scheme', [{ perms: 1, scheme: 'x', id: 'y' }]],
  ['null scheme', [{ perms: 1, scheme: null, id: 'y' }]],
  ['null id', [{ perms: 1, scheme: 'digest', id: null }]],
  ['null id of an unknown scheme', [{ perms: 1, scheme: 'x', id: null }]],
  ['digest', [{ perms: 31, scheme: 'digest', id: DIGEST }]],
  ['digest without a colon', [{ perms: 31, scheme: 'digest', id: 'x' }]],
  ['digest with nothing after the colon', [{ perms: 31, scheme: 'digest', id: 'x:' }]],
  ['digest with two colons', [{ perms: 31, scheme: 'digest', id: 'x:y:z' }]],
  ['address', [{ perms: 31, scheme: 'ip', id: '127.0.0.1' }]],
  ['network', [{ perms: 31, scheme: 'ip', id: '127.0.0.0/8' }]],
  ['network of no bits', [{ perms: 31, scheme: 'ip', id: '1.2.3.4/0' }]],
  ['other network', [{ perms: 31, scheme: 'ip', id: '10.0.0.0/8' }]],
  ['address with too many parts', [{ perms: 31, scheme: 'ip', id: '1.2.3.4.5' }]],
  ['address out of range', [{ perms: 31, scheme: 'ip', id: '1.2.3.256' }]],
  ['too many bits', [{ perms: 31, scheme: 'ip', id: '1.2.3.4/33' }]],
  ['no bits given', [{ perms: 31, scheme: 'ip', id: '1.2.3.4/' }]],
  ['permissions out of range', [{ perms: 1000, scheme: 'world', id: 'anyone' }]],
  ['nothing allowed', [{ perms: 0, scheme: 'world', id: 'anyone' }]],
  ['auth', [{ perms: 31, scheme: 'auth', id: '' }]],
]

/** Access control lists, and proofs of identity. */
export const accessScenarios: readonly Scenario[] = [
  {
    name: 'lists',
    run: async (t) => {
      for (const isKnown of [false, true]) {
        const client = await t.client()
        if (isKnown) await client.call('auth', op.auth, bodies.auth('digest', 'me:secret'), -4)
        await client.call('parent', op.create, bodies.create(`/l${isKnown}`, ''))
        for (const [index, [name, acl]] of lists.entries()) {
          const path = `/l${isKnown}/${index}`
          await client.call(`create with ${name}`, op.create, bodies.create(path, '', acl))
          await everything(client, path)
          await client.call(`set ${name}`, op.setAcl, bodies.setAcl(path, acl))
        }
        await end(client)
      }
    },
  },
  {
    name: 'permissions',
    run: async (t) => {
      const [owner, other] = [await t.client(), await t.client()]
      await owner.call('auth', op.auth, bodies.auth('digest', 'me:secret'), -4)
      for (const perms of [0, 1, 2, 4, 8, 16, 3, 17, 31]) {
        const acl = [
          { perms, scheme: 'world', id: 'anyone' },
          { perms: 31, scheme: 'auth', id: '' },
        ]
        await owner.call(`create ${perms}`, op.create, bodies.create(`/p${perms}`, '', acl))
        await everything(other, `/p${perms}`)
        await everything(owner, `/p${perms}`)
        await other.call('set list', op.setAcl, bodies.setAcl(`/p${perms}`, acl, 9))
        await owner.call('set list', op.setAcl, bodies.setAcl(`/p${perms}`, acl, 0))
        await owner.call('set list, wrong version', op.setAcl, bodies.setAcl(`/p${perms}`, acl, 0))
      }
      await end(owner)
      await end(other)
    },
  },
  {
    name: 'proofs',
    run: async (t) => {
      const client = await t.client()
      for (const auth of ['me:secret', 'me:secret', 'me', '', 'a:b:c', 'ü:ü'])
        await client.call(`digest ${auth}`, op.auth, bodies.auth('digest', auth), -4)
      await client.call('ip', op.auth, bodies.auth('ip', 'whatever'), -4)
      await client.call('create', op.create, bodies.create('/proofs', '', [{ perms: 31, scheme: 'auth', id: '' }]))
      await client.call('list', op.getAcl, bodies.path('/proofs'))
      await end(client)
      for (const scheme of ['world', 'auth', 'super', 'sasl', '']) {
        const failing = await t.client()
        await failing.call(`scheme ${scheme}`, op.auth, bodies.auth(scheme, 'x'), -4)
        await endCut(t, failing)
      }
      const cut = await t.client()
      await cut.call('cut', op.auth, Buffer.alloc(2), -4)
      await endCut(t, cut)
    },
  },
]

async function everything(client: Actor, path: string): Promise<void> {
  await client.call(`acl of ${path}`, op.getAcl, bodies.path(path))
  await client.call(`get ${path}`, op.getData, bodies.pathAndWatch(path))
  await client.call(`children of ${path}`, op.getChildren, bodies.pathAndWatch(path))
  await client.call(`set ${path}`, op.setData, bodies.setData(path, 'x'))
  await client.call(`check ${path}`, op.multi, bodies.multi([op.check, bodies.pathAndVersion(path)]))
  await client.call(`create below ${path}`, op.create, bodies.create(`${path}/c`, ''))
  await client.call(`delete below ${path}`, op.delete, bodies.pathAndVersion(`${path}/c`))
}
