import type { CoordinatorRecordSchema, MetadataRecordSchema } from '../schema.ts'
import {
  BrokerRegistrationChangeRecord,
  FenceBrokerRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
  UnregisterControllerRecord,
} from './broker-records.ts'
import { GroupMetadataRecord, LegacyOffsetCommitRecord, OffsetCommitRecord } from './classic-group-records.ts'
import {
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupPartitionMetadataRecord,
  ConsumerGroupRegularExpressionRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
} from './consumer-group-records.ts'
import {
  AbortTransactionRecord,
  BeginTransactionRecord,
  EndTransactionRecord,
  NoOpRecord,
  ProducerIdsRecord,
  ZkMigrationRecord,
} from './metadata-log-records.ts'
import {
  AccessControlEntryRecord,
  DelegationTokenRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from './security-records.ts'
import { ClientQuotaRecord, ConfigRecord, FeatureLevelRecord } from './setting-records.ts'
import {
  ShareGroupCurrentMemberAssignmentRecord,
  ShareGroupMemberMetadataRecord,
  ShareGroupMetadataRecord,
  ShareGroupStatePartitionMetadataRecord,
  ShareGroupTargetAssignmentMemberRecord,
  ShareGroupTargetAssignmentMetadataRecord,
} from './share-group-records.ts'
import { ShareSnapshotRecord, ShareUpdateRecord } from './share-state-records.ts'
import {
  StreamsGroupCurrentMemberAssignmentRecord,
  StreamsGroupMemberMetadataRecord,
  StreamsGroupMetadataRecord,
  StreamsGroupTargetAssignmentMemberRecord,
  StreamsGroupTargetAssignmentMetadataRecord,
  StreamsGroupTopologyRecord,
} from './streams-group-records.ts'
import {
  ClearElrRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RemoveTopicRecord,
  TopicRecord,
} from './topic-records.ts'
import { TransactionLogRecord } from './transaction-records.ts'
import { ZooKeeperNodeRecord } from './zookeeper-records.ts'

/** Records of __consumer_offsets, ordered by type. */
export const groupRecords: readonly CoordinatorRecordSchema[] = [
  LegacyOffsetCommitRecord,
  OffsetCommitRecord,
  GroupMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupPartitionMetadataRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupCurrentMemberAssignmentRecord,
  ShareGroupMemberMetadataRecord,
  ShareGroupMetadataRecord,
  ShareGroupTargetAssignmentMetadataRecord,
  ShareGroupTargetAssignmentMemberRecord,
  ShareGroupCurrentMemberAssignmentRecord,
  ShareGroupStatePartitionMetadataRecord,
  ConsumerGroupRegularExpressionRecord,
  StreamsGroupMetadataRecord,
  StreamsGroupMemberMetadataRecord,
  StreamsGroupTargetAssignmentMetadataRecord,
  StreamsGroupTargetAssignmentMemberRecord,
  StreamsGroupCurrentMemberAssignmentRecord,
  StreamsGroupTopologyRecord,
]

/** Records of __transaction_state. */
export const transactionRecords: readonly CoordinatorRecordSchema[] = [TransactionLogRecord]

/** Records of __zookeeper_nodes. */
export const zookeeperRecords: readonly CoordinatorRecordSchema[] = [ZooKeeperNodeRecord]

/** Records of __share_group_state. */
export const shareStateRecords: readonly CoordinatorRecordSchema[] = [ShareSnapshotRecord, ShareUpdateRecord]

/** Records of __cluster_metadata, ordered by key. */
export const metadataRecords: readonly MetadataRecordSchema[] = [
  RegisterBrokerRecord,
  UnregisterBrokerRecord,
  TopicRecord,
  PartitionRecord,
  ConfigRecord,
  PartitionChangeRecord,
  FenceBrokerRecord,
  UnfenceBrokerRecord,
  RemoveTopicRecord,
  DelegationTokenRecord,
  UserScramCredentialRecord,
  FeatureLevelRecord,
  ClientQuotaRecord,
  ProducerIdsRecord,
  BrokerRegistrationChangeRecord,
  AccessControlEntryRecord,
  RemoveAccessControlEntryRecord,
  NoOpRecord,
  ZkMigrationRecord,
  RemoveUserScramCredentialRecord,
  BeginTransactionRecord,
  EndTransactionRecord,
  AbortTransactionRecord,
  RemoveDelegationTokenRecord,
  RegisterControllerRecord,
  ClearElrRecord,
  UnregisterControllerRecord,
]
