import type { MetadataImage } from '../../metadata/metadata-image.ts'
import type { Logger } from '../../observe/logger.ts'
import type { Decision } from '../shard.ts'
import type { ConsumerGroupSettings, GroupCoordinatorConfig } from './group-config.ts'

/** The world of one shard of the group coordinator: no socket, no disk, no clock of its own. */
export interface GroupContext {
  readonly logger: Logger
  readonly config: GroupCoordinatorConfig
  readonly timers: GroupTimers
  settingsOf(groupId: string): ConsumerGroupSettings
  image(): MetadataImage
  /** Wall clock, for what is written down. */
  nowMs(): number
  /** A random uuid with dashes, as Java prints it. */
  newId(): string
  /** A random uuid in Kafka's own form: id of a member of the consumer protocol that brings none. */
  newMemberId(): string
}

/** Named timers; what one starts decides like a request does. */
export interface GroupTimers {
  /** Replaces the timer of that name. */
  set(key: string, delayMs: number, operation: () => Decision<void> | undefined): void
  cancel(key: string): void
  has(key: string): boolean
}

/** Who sends a request, as far as groups care. */
export interface GroupClient {
  readonly clientId: string
  /** As Kafka writes addresses: '/127.0.0.1'. */
  readonly clientHost: string
  readonly apiVersion: number
}
