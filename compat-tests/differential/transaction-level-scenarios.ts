import { coordinatorReady } from './group-scenarios.ts'
import { type Place, placeOf } from './record-scenarios.ts'
import type { Scenario } from './scenario.ts'
import { toLevel } from './transaction-setting-scenarios.ts'
import { type Identity, transactions } from './transactions.ts'
import type { Send } from './transcript.ts'

/**
 * Each request of a client that knows KIP-890, at level 0. One request for each transactional id: Kafka fails to store
 * what follows from it, and answers CONCURRENT_TRANSACTIONS to all that comes after.
 */
async function refusals(send: Send, prefix: string, place: Place): Promise<void> {
  const tx = transactions(send)
  const wishes: Record<string, (who: Identity) => Promise<unknown>> = {
    produces: (who) => tx.produce('at level 0: produces', who, place, 0),
    adds: (who) => tx.add('at level 0: adds', who, place, 0),
    'adds-group': (who) => tx.addOffsets('at level 0: adds a group', who, who.transactionalId),
    'commits-offsets': (who) =>
      tx.commitOffsets('at level 0: commits offsets', who, who.transactionalId, place, [
        { partitionIndex: 0, committedOffset: 1 },
      ]),
    commits: (who) => tx.end('at level 0: commits', who, true),
    aborts: (who) => tx.end('at level 0: aborts', who, false),
  }
  for (const [suffix, wish] of Object.entries(wishes)) {
    const who = await tx.begin(`${prefix}-${suffix}`)
    await wish(who)
    await tx.describe(`at level 0: ${suffix}`, who.transactionalId)
  }
}

/** Requests that no client sends to a broker at this level. */
export const levelScenario: Scenario = {
  name: 'transaction.version 0, and clients that know better',
  run: async (send) => {
    await coordinatorReady(send)
    const place = await placeOf(send, 'tx-level-0')
    await toLevel(send, 0, 2)
    await refusals(send, 'tx-level-0', place)
    await toLevel(send, 2, 1)
  },
}
