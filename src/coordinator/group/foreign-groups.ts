import type { GroupContext } from './group-context.ts'

/** Groups named in the message. */
const NAMED_GROUPS = 3

/**
 * Warns of groups in the log of a partition to which their ids do not map: requests for them go to another partition,
 * which does not know them. Apache Kafka says nothing of them.
 */
export function warnOfForeignGroups({ logger, name, owns }: GroupContext, groupIds: ReadonlySet<string>): void {
  const foreign = [...groupIds].filter((groupId) => !owns(groupId))
  if (foreign.length === 0) return
  const named = foreign.slice(0, NAMED_GROUPS).join(', ')
  const others = foreign.length > NAMED_GROUPS ? ` and ${foreign.length - NAMED_GROUPS} others` : ''
  logger.warn(
    { log: name },
    `${name} holds groups that belong to other partitions and are not served from here: ${named}${others}. Either directories or files of two partitions were swapped, or partitions were added to the topic.`,
  )
}
