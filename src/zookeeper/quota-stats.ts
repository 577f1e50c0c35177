import type { DataTree } from './data-tree.ts'

const QUOTAS = '/zookeeper/quota'
const STATS = '/zookeeper_stats'

/**
 * Use of a quota, which ZooKeeper keeps in a node beside its limits: the number of nodes at and below the path, and their
 * bytes. Undefined for any other node. Limits are advice there and here: nothing is refused. Source: DataTree.updateCount.
 */
export function quotaStats(tree: DataTree, path: string): Buffer | undefined {
  if (!path.startsWith(`${QUOTAS}/`) || !path.endsWith(STATS)) return undefined
  const found = [path.slice(QUOTAS.length, -STATS.length)]
  let [count, bytes] = [0, 0]
  for (let next = found.pop(); next !== undefined; next = found.pop()) {
    const state = tree.get(next)
    if (state === undefined) continue
    count++
    bytes += Buffer.isBuffer(state.data) ? state.data.length : 0
    for (const name of tree.children(next)) found.push(`${next}/${name}`)
  }
  return Buffer.from(`count=${count},bytes=${bytes}`)
}
