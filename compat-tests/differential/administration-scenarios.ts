import { AddRaftVoter } from '../../protocol/apis/add-raft-voter.ts'
import { AlterClientQuotas } from '../../protocol/apis/alter-client-quotas.ts'
import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { AlterReplicaLogDirs } from '../../protocol/apis/alter-replica-log-dirs.ts'
import { AlterUserScramCredentials } from '../../protocol/apis/alter-user-scram-credentials.ts'
import { CreateAcls } from '../../protocol/apis/create-acls.ts'
import { CreateDelegationToken } from '../../protocol/apis/create-delegation-token.ts'
import { DeleteAcls } from '../../protocol/apis/delete-acls.ts'
import { DescribeAcls } from '../../protocol/apis/describe-acls.ts'
import { DescribeClientQuotas } from '../../protocol/apis/describe-client-quotas.ts'
import { DescribeDelegationToken } from '../../protocol/apis/describe-delegation-token.ts'
import { DescribeLogDirs } from '../../protocol/apis/describe-log-dirs.ts'
import { DescribeQuorum } from '../../protocol/apis/describe-quorum.ts'
import { DescribeUserScramCredentials } from '../../protocol/apis/describe-user-scram-credentials.ts'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { ExpireDelegationToken } from '../../protocol/apis/expire-delegation-token.ts'
import { ListPartitionReassignments } from '../../protocol/apis/list-partition-reassignments.ts'
import { RemoveRaftVoter } from '../../protocol/apis/remove-raft-voter.ts'
import { RenewDelegationToken } from '../../protocol/apis/renew-delegation-token.ts'
import { SaslAuthenticate } from '../../protocol/apis/sasl-authenticate.ts'
import { SaslHandshake } from '../../protocol/apis/sasl-handshake.ts'
import { UnregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import { UnregisterController } from '../../protocol/apis/unregister-controller.ts'
import { UpdateFeatures } from '../../protocol/apis/update-features.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { inAges, inVersions, type Scenario } from './scenario.ts'
import { changesAreSeen, logsAreThere, makeTopic } from './topic-scenarios.ts'

const anyAcl = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}
const acl = { resourceType: 2, resourceName: 't', principal: 'User:a', host: '*', operation: 3, permissionType: 3 }

const oddAcls: [string, Partial<typeof acl & { resourcePatternType: number }>][] = [
  ['any resource', { resourceType: 1 }],
  ['any operation', { operation: 1 }],
  ['any permission', { permissionType: 1 }],
  ['no principal', { principal: '' }],
  ['no principal type', { principal: 'a' }],
  ['no name', { resourceName: '' }],
  ['a name that matches', { resourcePatternType: 2 }],
]

function filterOf({ resourceName, resourcePatternType, principal, ...rest }: (typeof oddAcls)[number][1]) {
  return {
    ...(resourceName === undefined ? {} : { resourceNameFilter: resourceName }),
    ...(resourcePatternType === undefined ? {} : { patternTypeFilter: resourcePatternType }),
    ...(principal === undefined ? {} : { principalFilter: principal }),
    ...('resourceType' in rest ? { resourceTypeFilter: rest.resourceType } : {}),
    ...('operation' in rest ? { operation: rest.operation } : {}),
    ...('permissionType' in rest ? { permissionType: rest.permissionType } : {}),
  }
}

/** Sends a request that the broker may answer by closing the connection. */
function perhaps(answer: Promise<unknown>): Promise<unknown> {
  return answer.catch(() => {})
}

/** Kafka closes the connection if it cannot read the request. */
const unknownAcls: Scenario = {
  name: 'ACLs in words that nobody knows',
  run: async (_send, opener) => {
    for (const value of [0, 99]) {
      for (const field of ['resourceTypeFilter', 'operation', 'permissionType', 'patternTypeFilter']) {
        const odd = { ...anyAcl, [field]: value }
        await perhaps((await opener())(DescribeAcls, 3, `${field} ${value}`, odd))
        await perhaps((await opener())(DeleteAcls, 3, `${field} ${value}`, { filters: [anyAcl, odd] }))
      }
      for (const field of ['resourceType', 'operation', 'permissionType', 'resourcePatternType'])
        await perhaps(
          (await opener())(CreateAcls, 3, `${field} ${value}`, { creations: [acl, { ...acl, [field]: value }] }),
        )
    }
  },
}

const acls: Scenario[] = [
  ...inVersions(DescribeAcls, 'without authorizer', async (send, version) => {
    for (const [what, wish] of oddAcls) await send(DescribeAcls, version, what, { ...anyAcl, ...filterOf(wish) })
    await send(DescribeAcls, version, 'all', { ...anyAcl, patternTypeFilter: version === 0 ? 3 : 1 })
  }),
  ...inVersions(CreateAcls, 'without authorizer', async (send, version) => {
    await send(CreateAcls, version, 'two', { creations: [acl, acl] })
    await send(CreateAcls, version, 'none', { creations: [] })
    for (const [what, wish] of oddAcls) await send(CreateAcls, version, what, { creations: [{ ...acl, ...wish }] })
  }),
  ...inVersions(DeleteAcls, 'without authorizer', async (send, version) => {
    await send(DeleteAcls, version, 'two', {
      filters: [
        { ...anyAcl, patternTypeFilter: 3 },
        { ...anyAcl, patternTypeFilter: 3 },
      ],
    })
    await send(DeleteAcls, version, 'none', { filters: [] })
    for (const [what, wish] of oddAcls)
      await send(DeleteAcls, version, what, { filters: [{ ...anyAcl, ...filterOf(wish) }] })
  }),
]

const owners: [type: string | null, name: string | null][] = [
  [null, null],
  [null, 'a'],
  ['User', null],
  ['User', ''],
  ['', 'a'],
  ['Group', 'a'],
]

const tokensOfOthers: Scenario = {
  name: 'CreateDelegationToken v3: of others, renewed by others',
  run: async (send) => {
    for (const [ownerPrincipalType, ownerPrincipalName] of owners)
      await send(CreateDelegationToken, 3, `of ${ownerPrincipalType}:${ownerPrincipalName}`, {
        ...{ ownerPrincipalType, ownerPrincipalName, renewers: [], maxLifetimeMs: 0 },
      })
    for (const principalType of ['', 'User', 'Group'])
      await send(CreateDelegationToken, 3, `renewed by a ${principalType}`, {
        renewers: [{ principalType, principalName: 'b' }],
        maxLifetimeMs: -7,
      })
  },
}

const tokens: Scenario[] = [
  tokensOfOthers,
  ...inVersions(CreateDelegationToken, 'without a secret', (send, version) =>
    send(CreateDelegationToken, version, 'plain', {
      renewers: [],
      maxLifetimeMs: -1,
      ...(version >= 3 ? { ownerPrincipalType: 'User', ownerPrincipalName: 'a' } : {}),
    }).then(() => {}),
  ),
  ...inVersions(RenewDelegationToken, 'without a secret', (send, version) =>
    send(RenewDelegationToken, version, 'plain', { hmac: Buffer.from('x'), renewPeriodMs: 1 }).then(() => {}),
  ),
  ...inVersions(ExpireDelegationToken, 'without a secret', (send, version) =>
    send(ExpireDelegationToken, version, 'plain', { hmac: Buffer.from('x'), expiryTimePeriodMs: 1 }).then(() => {}),
  ),
  ...inVersions(DescribeDelegationToken, 'without a secret', async (send, version) => {
    await send(DescribeDelegationToken, version, 'all', { owners: null })
    await send(DescribeDelegationToken, version, 'one', { owners: [{ principalType: 'User', principalName: 'a' }] })
  }),
]

const elections: Scenario[] = inVersions(ElectLeaders, 'preferred and unclean', async (send, version) => {
  const topic = `elect-${version}`
  await makeTopic(send, topic, { numPartitions: 2 })
  for (const electionType of version === 0 ? [0] : [0, 1, 5]) {
    const elect = (what: string, topicPartitions: { topic: string; partitions: number[] }[] | null) =>
      send(ElectLeaders, version, `${what}, type ${electionType}`, { electionType, topicPartitions })
    await elect('not needed', [{ topic, partitions: [0, 1] }])
    await elect('unknown partition', [{ topic, partitions: [5] }])
    await elect('unknown topic', [{ topic: 'elect-none', partitions: [0] }])
    await elect('nothing', [])
    await elect('one twice', [{ topic, partitions: [1, 1] }])
    await elect('a negative one', [{ topic, partitions: [-1, 0] }])
    await send(
      ElectLeaders,
      version,
      `all, type ${electionType}`,
      { electionType, topicPartitions: null },
      (answer) => ({
        ...answer,
        replicaElectionResults: answer.replicaElectionResults.filter((each) => each.topic === topic),
      }),
    )
  }
})

const moves: Scenario[] = [
  ...inVersions(AlterPartitionReassignments, 'of one replica', async (send, version) => {
    const name = `move-${version}`
    await makeTopic(send, name, { numPartitions: 2 })
    const move = (what: string, partitionIndex: number, replicas: number[] | null, topic = name) =>
      send(AlterPartitionReassignments, version, what, {
        topics: [{ name: topic, partitions: [{ partitionIndex, replicas }] }],
      })
    await move('where it is', 0, [1])
    await move('cancel nothing', 0, null)
    await move('to a stranger', 0, [2])
    await move('to two', 0, [1, 2])
    await move('to one twice', 0, [1, 1])
    await move('to nobody', 0, [])
    await move('negative', 0, [-1])
    await move('unknown partition', 9, [1])
    await move('unknown topic', 0, [1], 'move-none')
    await send(AlterPartitionReassignments, version, 'nothing', { topics: [] })
    const one = { partitionIndex: 1, replicas: [1] }
    await send(AlterPartitionReassignments, version, 'a partition twice', {
      topics: [{ name, partitions: [one, one] }],
    })
    await send(AlterPartitionReassignments, version, 'no partitions', { topics: [{ name, partitions: [] }] })
    await send(AlterPartitionReassignments, version, 'one good and one bad', {
      topics: [{ name, partitions: [one, { partitionIndex: 0, replicas: [7] }] }],
    })
    if (version > 0)
      await send(AlterPartitionReassignments, version, 'nothing, and no change of factor', {
        allowReplicationFactorChange: false,
        topics: [],
      })
    if (version > 0)
      await send(AlterPartitionReassignments, version, 'no change of factor', {
        allowReplicationFactorChange: false,
        topics: [{ name, partitions: [{ partitionIndex: 0, replicas: [1] }] }],
      })
  }),
  ...inVersions(ListPartitionReassignments, 'none is under way', async (send, version) => {
    await makeTopic(send, 'list-moves')
    await send(ListPartitionReassignments, version, 'all', { topics: null })
    await send(ListPartitionReassignments, version, 'one', {
      topics: [{ name: 'list-moves', partitionIndexes: [0, 7] }],
    })
    await send(ListPartitionReassignments, version, 'unknown', {
      topics: [{ name: 'list-none', partitionIndexes: [0] }],
    })
  }),
  ...inVersions(AlterReplicaLogDirs, 'of one directory', async (send, version) => {
    const name = `dirs-${version}`
    await makeTopic(send, name)
    await logsAreThere(send, name, 1)
    const { results } = await send(DescribeLogDirs, 4, '~', { topics: null })
    const path = results[0]?.logDir ?? ''
    const move = (what: string, to: string, partitions: number[], topic = name) =>
      send(AlterReplicaLogDirs, version, what, { dirs: [{ path: to, topics: [{ name: topic, partitions }] }] })
    await move('where it is', path, [0])
    await move('unknown partition', path, [0, 3])
    await move('unknown topic', path, [0], 'dirs-none')
    await move('unknown directory', '/no/such/directory', [0])
    await move('relative directory', 'relative', [0])
    await send(AlterReplicaLogDirs, version, 'nothing', { dirs: [] })
    await move('no partitions', path, [])
    await move('a partition twice', path, [0, 0])
    const both = (...paths: string[]) => ({
      dirs: paths.map((each) => ({ path: each, topics: [{ name, partitions: [0] }] })),
    })
    await send(AlterReplicaLogDirs, version, 'to two, the second is none', both(path, '/no/such/directory'))
    await send(AlterReplicaLogDirs, version, 'to two, the first is none', both('/no/such/directory', path))
  }),
]

const sasl: Scenario[] = inAges('SASL on a listener without', async ({ send, at, opener }) => {
  const shake = at(SaslHandshake)
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'NONE', ''])
    await send(SaslHandshake, shake, `mechanism ${mechanism}`, { mechanism })
  const other = await opener()
  await other(SaslAuthenticate, at(SaslAuthenticate), 'out of the blue', { authBytes: Buffer.from('\0user\0secret') })
  await send(SaslAuthenticate, at(SaslAuthenticate), 'after a handshake', { authBytes: Buffer.alloc(0) })
  await send(DescribeAcls, at(DescribeAcls), 'goes on', { ...anyAcl, patternTypeFilter: 3 })
})

const directories: Scenario[] = inVersions(DescribeLogDirs, 'what lies in the directory', async (send, version) => {
  const name = `lies-${version}`
  await makeTopic(send, name, { numPartitions: 3 })
  await logsAreThere(send, name, 3)
  const describe = (what: string, topics: { topic: string; partitions: number[] }[] | null) =>
    send(DescribeLogDirs, version, what, { topics }, ({ errorCode, results }) => ({
      errorCode,
      results: results.map((each) => ({ ...each, topics: each.topics.filter((topic) => topic.name === name) })),
    }))
  await describe('all', null)
  await describe('some', [{ topic: name, partitions: [2, 0] }])
  await describe('a partition that is not there', [{ topic: name, partitions: [1, 7, -1] }])
  await describe('a partition twice', [{ topic: name, partitions: [1, 1] }])
  await describe('no partitions', [{ topic: name, partitions: [] }])
  await describe('a topic that is not there', [{ topic: 'lies-none', partitions: [0] }])
  await describe('no name', [{ topic: '', partitions: [0] }])
  await describe('nothing', [])
})

const quotas: Scenario[] = inVersions(DescribeClientQuotas, 'none is set', async (send, version) => {
  const describe = (what: string, ...components: { entityType: string; matchType: number; match: string | null }[]) =>
    send(DescribeClientQuotas, version, what, { components, strict: false })
  const user = { entityType: 'user', matchType: 0, match: 'a' }
  const any = { matchType: 2, match: null }
  await describe('everything')
  await describe('exact', user)
  await describe('default', { ...user, matchType: 1, match: null })
  await describe('user and any client', user, { ...any, entityType: 'client-id' })
  await describe('ip', { ...any, entityType: 'ip' })
  await describe('unknown type', { ...any, entityType: 'planet' })
  await describe('empty type', { ...any, entityType: '' })
  await describe('type twice', user, user)
  await describe('ip and user', user, { ...any, entityType: 'ip' })
  await describe('exact without a name', { ...user, match: null })
  await describe('default with a name', { ...user, matchType: 1 })
  await describe('any with a name', { ...user, matchType: 2 })
  await describe('unknown match', { ...user, matchType: 9 })
  await send(DescribeClientQuotas, version, 'strict', { components: [user], strict: true })
  await send(DescribeClientQuotas, version, 'strict, everything', { components: [], strict: true })
})

const alteredQuotas: Scenario[] = inVersions(AlterClientQuotas, 'set, look and remove', async (send, version) => {
  type Part = [entityType: string, entityName: string | null]
  type Operation = [key: string, value: number | null]
  const named = (type: string): Part => [type, `quota-${version}`]
  const entry = (entity: Part[], ops: Operation[]) => ({
    entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
    ops: ops.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
  })
  const alterAll = (what: string, validateOnly: boolean, ...entries: ReturnType<typeof entry>[]) =>
    send(AlterClientQuotas, version, what, { entries, validateOnly }, (answer) => ({
      ...answer,
      entries: inOrderOfNames(answer.entries.map((each) => ({ ...each, entity: inOrderOfNames(each.entity) }))),
    }))
  const alter = (what: string, entity: Part[], ...ops: Operation[]) => alterAll(what, false, entry(entity, ops))
  const look = async (
    what: string,
    ...components: { entityType: string; matchType: number; match: string | null }[]
  ) => {
    await changesAreSeen(send)
    await send(DescribeClientQuotas, 1, what, { components, strict: true }, ({ entries, ...answer }) => ({
      ...answer,
      entries: inOrderOfNames(
        (entries ?? []).map(({ entity, values }) => ({
          entity: inOrderOfNames(entity),
          values: inOrderOfNames(values),
        })),
      ),
    }))
  }
  const [user, client] = [named('user'), named('client-id')]
  const any = { matchType: 2, match: null }
  const both = [
    { ...any, entityType: 'user' },
    { ...any, entityType: 'client-id' },
  ]
  await alter('two of a user', [user], ['producer_byte_rate', 1000], ['request_percentage', 12.5])
  await alter('of a client', [client], ['consumer_byte_rate', 1])
  await alter('of both', [user, client], ['controller_mutation_rate', 0.5])
  await alter(
    'of the default of both',
    [
      ['client-id', null],
      ['user', null],
    ],
    ['consumer_byte_rate', 2 ** 62],
  )
  await alter('of an address', [['ip', '127.0.0.9']], ['connection_creation_rate', 5])
  await alter('of every address', [['ip', null]], ['connection_creation_rate', 2 ** 31 - 1])
  await look('users', both[0]!)
  await look('clients', both[1]!)
  await look('both', ...both)
  await look('addresses', { ...any, entityType: 'ip' })
  await look('default address', { matchType: 1, match: null, entityType: 'ip' })
  await alter('the same again', [user], ['producer_byte_rate', 1000])
  await alter('remove what is not set', [user], ['consumer_byte_rate', null])
  await alter('remove what does not exist', [user], ['no_such_rate', null])
  await alter('unknown key', [user], ['no_such_rate', 1])
  await alter('unknown key and value', [user], ['no_such_rate', Number.NaN])
  await alter('key of addresses', [user], ['connection_creation_rate', 1])
  await alter('key of users', [['ip', '127.0.0.1']], ['producer_byte_rate', 1])
  for (const value of [
    0,
    -1,
    -0.5,
    0.5,
    1e-7,
    1.0000001,
    2 ** 63,
    2 ** 64,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ]) {
    await alter(`bytes of ${value}`, [user], ['producer_byte_rate', value])
    await alter(`percentage of ${value}`, [user], ['request_percentage', value])
    await alter(`rate of ${value}`, [['ip', '127.0.0.1']], ['connection_creation_rate', value])
  }
  await alter('an address too often', [['ip', '127.0.0.1']], ['connection_creation_rate', 2 ** 31])
  await alter('nobody', [], ['producer_byte_rate', 1])
  await alter('empty name', [['user', '']], ['producer_byte_rate', 1])
  await alter('empty address', [['ip', '']], ['connection_creation_rate', 1])
  await alter('unknown type', [['planet', 'x']], ['producer_byte_rate', 1])
  await alter('empty type', [['', 'x']], ['producer_byte_rate', 1])
  await alter('address of a user', [user, ['ip', '127.0.0.1']], ['producer_byte_rate', 1])
  await alter('no such host', [['ip', 'no.such.host.invalid']], ['connection_creation_rate', 1])
  await alter('a name', [['ip', 'localhost']], ['connection_creation_rate', 1])
  await alter('type twice', [user, ['user', `other-${version}`]], ['producer_byte_rate', 1])
  await alter('no operations', [user])
  await alter('key twice', [user], ['producer_byte_rate', 1], ['producer_byte_rate', 2])
  await alter('key twice of both', [user, client], ['producer_byte_rate', 1], ['producer_byte_rate', 2])
  await alterAll(
    'entity twice',
    false,
    entry([client], [['producer_byte_rate', 7]]),
    entry([client], [['producer_byte_rate', 8]]),
  )
  await alterAll(
    'entity of both twice, one bad',
    false,
    ...[1, -1].map((value) => entry([client, ['user', null]], [['producer_byte_rate', value]])),
  )
  await alterAll('good and bad', false, entry([user], [['producer_byte_rate', 9]]), entry([['user', '']], []))
  await alterAll('checked only', true, entry([user], [['producer_byte_rate', 77]]), entry([['planet', 'x']], []))
  await alterAll('nothing', false)
  await look('users after that', both[0]!)
  await look('clients after that', both[1]!)
  await look('both after that', ...both)
  await look('addresses after that', { ...any, entityType: 'ip' })
  await alterAll(
    'remove all',
    false,
    entry(
      [user],
      [
        ['producer_byte_rate', null],
        ['request_percentage', null],
      ],
    ),
    entry([['user', `other-${version}`]], [['producer_byte_rate', null]]),
    entry(
      [client],
      [
        ['producer_byte_rate', null],
        ['consumer_byte_rate', null],
      ],
    ),
    entry([client, user], [['controller_mutation_rate', null]]),
    entry([client, ['user', null]], [['producer_byte_rate', null]]),
    entry(
      [
        ['user', null],
        ['client-id', null],
      ],
      [['consumer_byte_rate', null]],
    ),
    ...['127.0.0.9', '127.0.0.1', 'localhost', null].map((ip) =>
      entry([['ip', ip]], [['connection_creation_rate', null]]),
    ),
  )
  await look('nobody is left', both[0]!)
  await look('no address is left', { ...any, entityType: 'ip' })
})

/** Kafka's answers have the order of a hash table. */
function inOrderOfNames<T>(elements: readonly T[]): T[] {
  return [...elements].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

const scram: Scenario[] = inVersions(AlterUserScramCredentials, 'set, look and remove', async (send, version) => {
  const salt = Buffer.from('salt')
  const saltedPassword = Buffer.alloc(32, 1)
  const upsert = (
    what: string,
    ...upsertions: { name: string; mechanism: number; iterations: number; salt: Buffer; saltedPassword: Buffer }[]
  ) => send(AlterUserScramCredentials, version, what, { deletions: [], upsertions })
  const look = async (what: string, users: string[] | null) => {
    await changesAreSeen(send)
    await send(DescribeUserScramCredentials, 0, what, { users: users?.map((name) => ({ name })) ?? null })
  }
  const one = { name: 'scram-a', mechanism: 1, iterations: 4096, salt, saltedPassword }
  await look('nobody', null)
  await upsert('one', one)
  await upsert('512 for the same', { ...one, mechanism: 2, iterations: 8192 })
  await upsert('too few iterations', { ...one, iterations: 10 })
  await upsert('too many iterations', { ...one, iterations: 100_000_000 })
  await upsert('unknown mechanism', { ...one, mechanism: 7 })
  await upsert('no name', { ...one, name: '' })
  await upsert('twice', { ...one, name: 'scram-b' }, { ...one, name: 'scram-b' })
  await upsert('both mechanisms at once', { ...one, name: 'scram-f' }, { ...one, name: 'scram-f', mechanism: 2 })
  await upsert('a good one and a bad one', { ...one, name: 'scram-g' }, { ...one, name: 'scram-g', mechanism: 7 })
  await upsert('one of two is bad', { ...one, name: 'scram-c' }, { ...one, name: 'scram-d', iterations: 1 })
  await look('all', null)
  await look('some', ['scram-a', 'scram-none'])
  await look('twice', ['scram-a', 'scram-a'])
  await look('empty list', [])
  const drop = (what: string, ...deletions: { name: string; mechanism: number }[]) =>
    send(AlterUserScramCredentials, version, what, { deletions, upsertions: [] })
  await drop('one', { name: 'scram-a', mechanism: 1 })
  await drop('not there', { name: 'scram-a', mechanism: 1 })
  await drop('unknown mechanism', { name: 'scram-a', mechanism: 0 })
  await drop('no name', { name: '', mechanism: 1 })
  await drop('rest', { name: 'scram-a', mechanism: 2 }, { name: 'scram-c', mechanism: 1 })
  await send(AlterUserScramCredentials, version, 'both at once', {
    deletions: [{ name: 'scram-e', mechanism: 1 }],
    upsertions: [{ ...one, name: 'scram-e' }],
  })
  await look('nobody is left', null)
})

const quorum: Scenario[] = inVersions(DescribeQuorum, 'of one', async (send, version) => {
  const look = (what: string, topicName: string, partitionIndex: number) =>
    send(DescribeQuorum, version, what, { topics: [{ topicName, partitions: [{ partitionIndex }] }] })
  await look('metadata', '__cluster_metadata', 0)
  await look('another partition', '__cluster_metadata', 1)
  await look('another topic', 'x', 0)
  await send(DescribeQuorum, version, 'nothing', { topics: [] })
})

const features: Scenario[] = inVersions(UpdateFeatures, 'checked only', async (send, version) => {
  const update = (
    what: string,
    feature: string,
    maxVersionLevel: number,
    upgradeType = 1,
    validateOnly = version > 0,
  ) =>
    send(UpdateFeatures, version, what, {
      featureUpdates: [
        {
          feature,
          maxVersionLevel,
          upgradeType: version === 0 ? 1 : upgradeType,
          allowDowngrade: version === 0 && upgradeType > 1,
        },
      ],
      validateOnly,
    })
  await update('the same', 'metadata.version', 33)
  await update('too new', 'metadata.version', 99)
  await update('too old', 'metadata.version', 1, 2)
  await update('downgrade as upgrade', 'metadata.version', 30)
  await update('safe downgrade', 'metadata.version', 30, 2)
  await update('unknown', 'no.such.feature', 1)
  await update('negative', 'metadata.version', -1)
  await update('remove', 'metadata.version', 0, 2)
  await update('same level', 'group.version', 1)
  await update('too new a group version', 'group.version', 7)
  if (version > 0) await update('unknown type', 'group.version', 1, 9)
  await send(UpdateFeatures, version, 'nothing', { featureUpdates: [] })
  const same = { feature: 'group.version', maxVersionLevel: 1, upgradeType: 1, allowDowngrade: false }
  await send(UpdateFeatures, version, 'several', {
    featureUpdates: [
      same,
      { ...same, feature: 'no.such.feature' },
      { ...same, feature: 'share.version', maxVersionLevel: 9 },
    ],
    validateOnly: version > 0,
  })
  await send(UpdateFeatures, version, 'one twice', { featureUpdates: [same, same], validateOnly: version > 0 })
  await send(UpdateFeatures, version, 'one twice, the second is bad', {
    featureUpdates: [same, { ...same, maxVersionLevel: 9 }],
    validateOnly: version > 0,
  })
  await send(UpdateFeatures, version, 'one twice, the first is bad', {
    featureUpdates: [{ ...same, maxVersionLevel: 9 }, same],
    validateOnly: version > 0,
  })
  await send(UpdateFeatures, version, 'no name', {
    featureUpdates: [{ ...same, feature: '' }],
    validateOnly: version > 0,
  })
})

const levels: Readonly<Record<string, readonly number[]>> = {
  'metadata.version': [0, 6, 7, 15, 22, 29, 30, 31, 32, 33, 34],
  'kraft.version': [0, 1, 2],
  'group.version': [0, 1, 2],
  'transaction.version': [0, 1, 2, 3],
  'eligible.leader.replicas.version': [0, 1, 2],
  'share.version': [0, 1, 2, 3],
  'streams.version': [0, 1, 2],
  'no.such.version': [0, 1],
  '': [0],
}

const everyLevel: Scenario[] = [1, 2].map((version) => ({
  name: `UpdateFeatures v${version}: every feature to every level, checked only`,
  run: async (send) => {
    for (const [feature, wishes] of Object.entries(levels))
      for (const maxVersionLevel of [...wishes, -1])
        for (const upgradeType of [0, 1, 2, 3, 4])
          await send(UpdateFeatures, version, `${feature} to ${maxVersionLevel}, type ${upgradeType}`, {
            featureUpdates: [{ feature, maxVersionLevel, upgradeType }],
            validateOnly: true,
          })
  },
}))

const nodes: Scenario[] = [
  ...inVersions(UnregisterBroker, 'a stranger', async (send, version) => {
    await send(UnregisterBroker, version, 'unknown', { brokerId: 42 })
    await send(UnregisterBroker, version, 'negative', { brokerId: -1 })
  }),
  ...inVersions(UnregisterController, 'a stranger', async (send, version) => {
    await send(UnregisterController, version, 'unknown', { controllerId: 42 })
    await send(UnregisterController, version, 'negative', { controllerId: -1 })
    await send(UnregisterController, version, 'the active one', { controllerId: 1 })
  }),
  ...inVersions(AddRaftVoter, 'to a quorum that is fixed', async (send, version) => {
    const voter = {
      clusterId: null,
      timeoutMs: 1000,
      voterId: 5,
      voterDirectoryId: 'f4keAAAAAAAAAAAAAAAAAA',
      listeners: [{ name: 'CONTROLLER', host: 'localhost', port: 1 }],
    }
    await send(AddRaftVoter, version, 'one', voter)
    await send(AddRaftVoter, version, 'of another cluster', { ...voter, clusterId: 'other' })
    await send(AddRaftVoter, version, 'without an id', { ...voter, voterId: -1 })
    await send(AddRaftVoter, version, 'without a directory', { ...voter, voterDirectoryId: ZERO_UUID })
    await send(AddRaftVoter, version, 'without a listener', { ...voter, listeners: [] })
    const listeners = ['OTHER', 'controller'].map((name) => ({ name, host: 'no.such.host.invalid', port: 65535 }))
    await send(AddRaftVoter, version, 'with other listeners', { ...voter, listeners })
    await send(AddRaftVoter, version, 'with one other listener', { ...voter, listeners: listeners.slice(0, 1) })
    await send(AddRaftVoter, version, 'of no cluster', { ...voter, clusterId: '' })
  }),
  ...inVersions(RemoveRaftVoter, 'from a quorum that is fixed', async (send, version) => {
    await send(RemoveRaftVoter, version, 'one', {
      clusterId: null,
      voterId: 1,
      voterDirectoryId: 'f4keAAAAAAAAAAAAAAAAAA',
    })
    await send(RemoveRaftVoter, version, 'of another cluster', {
      clusterId: 'other',
      voterId: 1,
      voterDirectoryId: 'f4keAAAAAAAAAAAAAAAAAA',
    })
    await send(RemoveRaftVoter, version, 'without an id', {
      clusterId: null,
      voterId: -1,
      voterDirectoryId: 'f4keAAAAAAAAAAAAAAAAAA',
    })
    await send(RemoveRaftVoter, version, 'without a directory', {
      clusterId: null,
      voterId: 1,
      voterDirectoryId: ZERO_UUID,
    })
  }),
]

/** APIs that a controller listener advertises and cannot serve. Of null users Kafka's answer never comes. */
const unserved: Scenario[] = [
  ...inVersions(DescribeDelegationToken, 'of a controller', (send, version) =>
    send(DescribeDelegationToken, version, 'all', { owners: null }).then(() => {}),
  ),
  ...inVersions(DescribeUserScramCredentials, 'of a controller', async (send, version) => {
    await send(DescribeUserScramCredentials, version, 'one', { users: [{ name: 'a' }] })
    await send(DescribeUserScramCredentials, version, 'two', { users: [{ name: 'a' }, { name: 'b' }] })
    await send(DescribeUserScramCredentials, version, 'no users', { users: [] })
  }),
]

const scramOfController: Scenario = {
  name: 'AlterUserScramCredentials v0: set and remove',
  run: async (send) => {
    const [salt, saltedPassword] = [Buffer.from('salt'), Buffer.alloc(32, 1)]
    const one = { name: 'scram-a', mechanism: 1, iterations: 4096, salt, saltedPassword }
    await send(AlterUserScramCredentials, 0, 'set', { upsertions: [one, { ...one, mechanism: 9 }], deletions: [] })
    await send(AlterUserScramCredentials, 0, 'set again', { upsertions: [one], deletions: [] })
    const deletions = [{ name: 'scram-a', mechanism: 1 }]
    await send(AlterUserScramCredentials, 0, 'remove', { upsertions: [], deletions })
    await send(AlterUserScramCredentials, 0, 'remove again', { upsertions: [], deletions })
  },
}

/** For controller listeners. */
export const controllerScenarios: Scenario[] = [
  ...acls,
  ...tokens.filter(({ name }) => !name.startsWith('DescribeDelegationToken')),
  ...sasl,
  ...elections,
  ...moves,
  ...alteredQuotas,
  ...unserved,
  scramOfController,
  ...quorum,
  ...features,
  ...nodes,
]

export const administrationScenarios: Scenario[] = [
  unknownAcls,
  ...acls,
  ...tokens,
  ...sasl,
  ...elections,
  ...moves,
  ...directories,
  ...quotas,
  ...alteredQuotas,
  ...scram,
  ...quorum,
  ...features,
  ...everyLevel,
  ...nodes,
]
