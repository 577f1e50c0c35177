import type { Slices } from '../../../storage/host/turn-slices.ts'
import type { MetadataImage } from '../../metadata/metadata-image.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Decision } from '../shard.ts'
import type { ConsumerGroupSettings, GroupCoordinatorConfig } from './group-config.ts'

/** Environment of one shard of the group coordinator: it has no socket, disk or clock. */
export interface GroupContext {
  readonly logger: Logger
  /** Topic and partition of the shard's log. */
  readonly name: string
  readonly config: GroupCoordinatorConfig
  readonly timers: GroupTimers
  /** For work that takes several turns before it is decided. */
  readonly slices: Slices
  /** Runs work that nobody waits for; its failure is fatal. */
  inBackground(work: Promise<unknown>): void
  settingsOf(groupId: string): ConsumerGroupSettings
  /** True if the group's id maps to the partition of this shard. */
  owns(groupId: string): boolean
  image(): MetadataImage
  /** Wall clock, for stored times. */
  nowMs(): number
  /** Random uuid with dashes, as Java prints it. */
  newId(): string
  /** Random uuid in Kafka's own format: id for a member of the consumer protocol that sends none. */
  newMemberId(): string
}

/** Named timers; a timer starts an operation, like a request does. */
export interface GroupTimers {
  /** Sets a timer; replaces one with the same name. */
  set(key: string, delayMs: number, operation: () => Decision<void> | undefined): void
  cancel(key: string): void
  has(key: string): boolean
}

/** Client of a request. */
export interface GroupClient {
  readonly clientId: string
  /** In Kafka's format: '/127.0.0.1'. */
  readonly clientHost: string
  readonly apiVersion: number
}
