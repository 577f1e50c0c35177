import { JuteWriter } from '../../src/zookeeper/jute.ts'
import { opCodes as op } from '../../src/zookeeper/op-codes.ts'
import { bodies, type TestAcl } from '../../src/zookeeper/test-client.fixture.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'

/** Few names, so that requests meet each other's nodes. /topics is the broker's, /forbidden is refused by it. */
const names = ['a', 'b', 'c', 'topics', 'topics/t', 'topics/u', 'forbidden', 'zookeeper', 'zookeeper/config', 's-']
const oddPaths = [
  '',
  '/',
  '//',
  'a',
  '/a/',
  '/..',
  '/a/./b',
  '/\ufffd',
  '/\u0000',
  '/a/b/c/d/e',
  `/${'x'.repeat(3000)}`,
]
const auths: readonly (readonly [scheme: string, auth: string])[] = [
  ['digest', 'me:secret'],
  ['digest', ''],
  ['ip', ''],
]
const acls: readonly (readonly TestAcl[] | null)[] = [
  [{ perms: 31, scheme: 'world', id: 'anyone' }],
  [{ perms: 31, scheme: 'auth', id: '' }],
  [{ perms: 1, scheme: 'ip', id: '127.0.0.0/8' }],
  [{ perms: 31, scheme: 'digest', id: 'me:Tg7bLSuNzU0gPh8f8bRoEMQtcFE=' }],
  [],
  null,
]
const types = [
  ...[op.create, op.create, op.create, op.create2, op.createContainer, op.createTtl, op.delete, op.delete, op.exists],
  ...[op.getData, op.setData, op.setData, op.getAcl, op.setAcl, op.getChildren, op.getChildren2, op.sync, op.ping],
  ...[op.check, op.multi, op.multi, op.reconfig, op.checkWatches, op.removeWatches, op.deleteContainer, op.auth],
  ...[op.setWatches, op.sasl],
]
const multiTypes = [op.create, op.create, op.create2, op.createContainer, op.createTtl, op.delete, op.setData, op.check]

/** A well-formed request with its header, but without its size. */
export function randomRequest(random: SeededRandom, xid: number): Buffer {
  // Sessions rarely end by themselves, or no request would find anything.
  const type = random.oneIn(200) ? op.closeSession : random.oneIn(100) ? random.below(200) - 50 : random.pick(types)
  return Buffer.concat([new JuteWriter().int(xid).int(type).bytes(), randomBody(type, random)])
}

/** A request for a session. */
export function randomConnect(random: SeededRandom, sessionId: bigint, password: Buffer): Buffer {
  const id = random.oneIn(2) ? 0n : random.oneIn(2) ? sessionId : BigInt(random.below(1000))
  const zxid = random.oneIn(4) ? random.below(1 << 30) : 0
  const writer = new JuteWriter()
    .int(0)
    .long(zxid)
    .int(random.below(100_000) - 10)
    .exactLong(id)
  writer.buffer(random.oneIn(8) ? null : random.oneIn(4) ? random.bytes(16) : password)
  return (random.oneIn(5) ? writer : writer.boolean(random.oneIn(2))).bytes()
}

/** Adds the size. */
export function sized(message: Buffer): Buffer {
  return new JuteWriter().buffer(message).bytes()
}

function randomBody(type: number, random: SeededRandom): Buffer {
  const path = randomPath(random)
  const version = random.oneIn(2) ? -1 : random.below(4) - 1
  const data = random.oneIn(6) ? null : 'x'.repeat(random.below(random.oneIn(20) ? 5000 : 20))
  switch (type) {
    case op.create:
    case op.create2:
    case op.createContainer:
      return bodies.create(path, data, randomAcl(random), random.oneIn(20) ? random.below(10) - 1 : random.below(5))
    case op.createTtl:
      return bodies.createTtl(path, random.below(7), random.below(1000) - 1)
    case op.setData:
      return bodies.setData(path, data, version)
    case op.setAcl:
      return bodies.setAcl(path, randomAcl(random), version)
    case op.multi: {
      const parts = Array.from({ length: random.below(6) }, () => random.pick(multiTypes))
      return bodies.multi(...parts.map((each) => [each, randomBody(each, random)] as const))
    }
    case op.auth:
      return bodies.auth(...random.pick(auths))
    case op.setWatches: {
      const paths = () => Array.from({ length: random.below(5) }, () => randomPath(random))
      return bodies.setWatches(random.below(100), paths(), paths(), paths())
    }
    case op.reconfig:
      return Buffer.alloc(20)
    case op.checkWatches:
    case op.removeWatches:
      return bodies.pathAndVersion(path, random.below(5))
    case op.delete:
    case op.check:
      return bodies.pathAndVersion(path, version)
    case op.exists:
    case op.getData:
    case op.getChildren:
    case op.getChildren2:
      return bodies.pathAndWatch(path, random.oneIn(3))
    default:
      return bodies.path(path)
  }
}

function randomPath(random: SeededRandom): string {
  if (random.oneIn(12)) return random.pick(oddPaths)
  const depth = 1 + random.below(random.oneIn(4) ? 3 : 1)
  return Array.from({ length: depth }, () => `/${random.pick(names)}`).join('')
}

function randomAcl(random: SeededRandom): readonly TestAcl[] | null {
  return random.oneIn(6) ? random.pick(acls) : acls[0]!
}
