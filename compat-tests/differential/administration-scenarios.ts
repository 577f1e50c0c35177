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
import { UnregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import { UnregisterController } from '../../protocol/apis/unregister-controller.ts'
import { UpdateFeatures } from '../../protocol/apis/update-features.ts'
import { inVersions, type Scenario } from './scenario.ts'
import { changesAreSeen, makeTopic } from './topic-scenarios.ts'

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

const acls: Scenario[] = [
  ...inVersions(DescribeAcls, 'without authorizer', async (send, version) => {
    await send(DescribeAcls, version, 'all', { ...anyAcl, patternTypeFilter: version === 0 ? 3 : 1 })
  }),
  ...inVersions(CreateAcls, 'without authorizer', async (send, version) => {
    await send(CreateAcls, version, 'two', { creations: [acl, acl] })
    await send(CreateAcls, version, 'none', { creations: [] })
  }),
  ...inVersions(DeleteAcls, 'without authorizer', async (send, version) => {
    await send(DeleteAcls, version, 'two', {
      filters: [
        { ...anyAcl, patternTypeFilter: 3 },
        { ...anyAcl, patternTypeFilter: 3 },
      ],
    })
  }),
]

const tokens: Scenario[] = [
  ...inVersions(CreateDelegationToken, 'without a secret', (send, version) =>
    send(CreateDelegationToken, version, 'plain', {
      renewers: [],
      maxLifetimeMs: -1,
      ownerPrincipalType: version >= 3 ? 'User' : null,
      ownerPrincipalName: version >= 3 ? 'a' : null,
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
  }),
]

const quotas: Scenario[] = inVersions(AlterClientQuotas, 'set, look and remove', async (send, version) => {
  const user = `quota-${version}`
  const entityOf = (...pairs: [string, string | null][]) =>
    pairs.map(([entityType, entityName]) => ({ entityType, entityName }))
  const alter = (
    what: string,
    entity: ReturnType<typeof entityOf>,
    ops: { key: string; value: number; remove: boolean }[],
    validateOnly = false,
  ) => send(AlterClientQuotas, version, what, { entries: [{ entity, ops }], validateOnly })
  const describe = async (
    what: string,
    components: { entityType: string; matchType: number; match: string | null }[],
    strict = false,
  ) => {
    await changesAreSeen(send)
    await send(DescribeClientQuotas, Math.min(version, 1), what, { components, strict })
  }
  const set = (key: string, value: number) => ({ key, value, remove: false })
  await alter('user', entityOf(['user', user]), [set('producer_byte_rate', 1024), set('consumer_byte_rate', 2048.5)])
  await alter('user and client', entityOf(['user', user], ['client-id', 'c']), [set('request_percentage', 50)])
  await alter('default user', entityOf(['user', null]), [set('controller_mutation_rate', 5)])
  await alter('ip', entityOf(['ip', '10.0.0.1']), [set('connection_creation_rate', 5)])
  await alter('validate only', entityOf(['user', 'quota-nobody']), [set('producer_byte_rate', 1)], true)
  await alter('unknown key', entityOf(['user', user]), [set('color', 1)])
  await alter('key of an ip', entityOf(['user', user]), [set('connection_creation_rate', 1)])
  await alter('key of a user', entityOf(['ip', '10.0.0.1']), [set('producer_byte_rate', 1)])
  await alter('fraction of a connection', entityOf(['ip', '10.0.0.1']), [set('connection_creation_rate', 1.5)])
  await alter('no address', entityOf(['ip', 'not an address']), [set('connection_creation_rate', 1)])
  await alter('negative', entityOf(['user', user]), [set('producer_byte_rate', -1)])
  await alter('zero', entityOf(['user', user]), [set('producer_byte_rate', 0)])
  await alter('unknown type', entityOf(['planet', 'mars']), [set('producer_byte_rate', 1)])
  await alter('ip and user', entityOf(['ip', '10.0.0.1'], ['user', 'x']), [set('producer_byte_rate', 1)])
  await alter('user twice', entityOf(['user', 'x'], ['user', 'y']), [set('producer_byte_rate', 1)])
  await alter('empty name', entityOf(['user', '']), [set('producer_byte_rate', 1)])
  await alter('no entity', [], [set('producer_byte_rate', 1)])
  await describe('exact', [{ entityType: 'user', matchType: 0, match: user }])
  await describe('exact and strict', [{ entityType: 'user', matchType: 0, match: user }], true)
  await describe('default', [{ entityType: 'user', matchType: 1, match: null }])
  await describe('user and any client', [
    { entityType: 'user', matchType: 0, match: user },
    { entityType: 'client-id', matchType: 2, match: null },
  ])
  await describe('ip', [{ entityType: 'ip', matchType: 2, match: null }])
  await describe('unknown type', [{ entityType: 'planet', matchType: 2, match: null }])
  await describe('empty type', [{ entityType: '', matchType: 2, match: null }])
  await describe('type twice', [
    { entityType: 'user', matchType: 2, match: null },
    { entityType: 'user', matchType: 2, match: null },
  ])
  await describe('ip and user', [
    { entityType: 'user', matchType: 2, match: null },
    { entityType: 'ip', matchType: 2, match: null },
  ])
  await describe('exact without a name', [{ entityType: 'user', matchType: 0, match: null }])
  await describe('default with a name', [{ entityType: 'user', matchType: 1, match: 'x' }])
  await describe('unknown match', [{ entityType: 'user', matchType: 9, match: null }])
  const remove = (key: string) => ({ key, value: 0, remove: true })
  await alter('remove', entityOf(['user', user]), [remove('producer_byte_rate'), remove('consumer_byte_rate')])
  await alter('remove what is not there', entityOf(['user', 'quota-nobody']), [remove('producer_byte_rate')])
  await alter('remove all others', entityOf(['user', user], ['client-id', 'c']), [remove('request_percentage')])
  await alter('remove default', entityOf(['user', null]), [remove('controller_mutation_rate')])
  await alter('remove ip', entityOf(['ip', '10.0.0.1']), [remove('connection_creation_rate')])
  await describe('nothing is left', [])
})

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
  await update('safe downgrade', 'metadata.version', 30, 2, true)
  await update('unknown', 'no.such.feature', 1)
  await update('negative', 'metadata.version', -1)
  await update('remove', 'metadata.version', 0, 2)
  await update('same level', 'group.version', 1)
  await update('too new a group version', 'group.version', 7)
  if (version > 0) await update('unknown type', 'group.version', 1, 9)
  await send(UpdateFeatures, version, 'nothing', { featureUpdates: [] })
})

const nodes: Scenario[] = [
  ...inVersions(UnregisterBroker, 'a stranger', async (send, version) => {
    await send(UnregisterBroker, version, 'unknown', { brokerId: 42 })
  }),
  ...inVersions(UnregisterController, 'a stranger', async (send, version) => {
    await send(UnregisterController, version, 'unknown', { controllerId: 42 })
    await send(UnregisterController, version, 'negative', { controllerId: -1 })
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
  }),
]

export const administrationScenarios: Scenario[] = [
  ...acls,
  ...tokens,
  ...elections,
  ...moves,
  ...quotas,
  ...scram,
  ...quorum,
  ...features,
  ...nodes,
]
