/** Operations by AclOperation code. Codes 0 to 2 (UNKNOWN, ANY, ALL) are for filters and rules, and never asked. */
export const aclOperation = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const
export type AclOperation = keyof typeof aclOperation

/** Kinds of resources by ResourceType code. Codes 0 and 1 (UNKNOWN, ANY) are for filters. */
export const resourceType = {
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const
export type ResourceType = keyof typeof resourceType

/** The only name of a resource of type CLUSTER. Source: Resource.CLUSTER_NAME. */
export const CLUSTER_NAME = 'kafka-cluster'

/** Who asks, and from where. A RequestContext is one. */
export interface AuthorizableRequestContext {
  /** `User:alice`; `User:ANONYMOUS` without authentication. */
  readonly principal: string
  /** Address of the client. */
  readonly clientHost: string
  readonly listener: string
}

/** One operation on one resource. */
export interface Action {
  readonly operation: AclOperation
  readonly resourceType: ResourceType
  readonly resourceName: string
}

export type AuthorizationResult = 'ALLOWED' | 'DENIED'

/** Decides what a client may do. Source: org.apache.kafka.server.authorizer.Authorizer. */
export interface Authorizer {
  /** One result for each action, in the same order. Does not wait: handlers ask it in the turn of the request. */
  authorize(context: AuthorizableRequestContext, actions: readonly Action[]): readonly AuthorizationResult[]
}

/** Everybody may do everything, as in Kafka without authorizer.class.name. */
export const allowAll: Authorizer = { authorize: (_, actions) => actions.map(() => 'ALLOWED') }
