/*
 * The file may come from a node of a larger cluster. Ottla's controller and all its brokers are in one process. A setting
 * that makes nodes elsewhere part of the cluster ends the start, so that nobody takes this process for that cluster.
 */
import type { BrokerSettings } from './broker-configs.ts'
import { InvalidSetting } from './config-value.ts'
import { listed } from './listed.ts'
import { isLoopback, isWildcard, type Listeners } from './listeners.ts'
import type { StaticConfig } from './static-config.ts'

/** Facts about this node before it starts. */
export interface ThisNode {
  /** node.id; undefined: not set. */
  readonly nodeId: number | undefined
  readonly listeners: Listeners
  /** The machine's host name. */
  readonly hostName: string | undefined
}

const ALONE = 'Ottla runs its whole cluster in one process and cannot join another'
const REMEDY = 'remove the setting to start this node alone'

/** Undefined if the settings describe a single node. */
export function otherNodeSettings(settings: BrokerSettings, node: ThisNode): InvalidSetting | undefined {
  return (
    otherVoters(settings.controllerQuorumVoters, node.nodeId) ??
    otherControllers(settings.controllerQuorumBootstrapServers, node)
  )
}

/** Replication factors of topics and internal topics. */
const replicaSettings = [
  'default.replication.factor',
  'min.insync.replicas',
  'offsets.topic.replication.factor',
  'transaction.state.log.replication.factor',
  'transaction.state.log.min.isr',
  'share.coordinator.state.topic.replication.factor',
  'share.coordinator.state.topic.min.isr',
]

/** Warning for a file of a larger cluster, which asks for more replicas than there are brokers. They start anyway. */
export function warningAboutReplicas({ values }: StaticConfig, brokerCount: number): string | undefined {
  const beyond = replicaSettings.filter((name) => ((values.get(name)?.value as number | undefined) ?? 1) > brokerCount)
  if (beyond.length === 0) return undefined
  const shown = listed(beyond.map((name) => `${name}=${values.get(name)?.text}`))
  const [brokers, replicas, inSync] =
    brokerCount === 1
      ? ['one broker', 'one replica', 'one in-sync replica']
      : [`${brokerCount} brokers`, `at most ${brokerCount} replicas`, `at most ${brokerCount} in-sync replicas`]
  return `${shown}: the cluster has ${brokers}, so new topics get ${replicas} and need ${inSync}`
}

/** A node that is only broker or only controller; undefined if it has both roles. */
export function unsupportedRoles(roles: readonly string[]): InvalidSetting | undefined {
  const [role] = roles
  if (roles.length !== 1) return undefined
  const missing = role === 'broker' ? 'cannot join another controller' : 'cannot run a controller alone'
  return new InvalidSetting(
    `process.roles=${role}: Ottla is broker and controller in one process, and ${missing}; set process.roles=broker,controller to start this node alone`,
  )
}

function otherVoters(voters: readonly string[], nodeId: number | undefined): InvalidSetting | undefined {
  const setting = `controller.quorum.voters=${voters.join(',')}`
  if (voters.length > 1) return new InvalidSetting(`${setting} names ${voters.length} nodes: ${ALONE}; ${REMEDY}`)
  const voter = /^(\d+)@/.exec(voters[0] ?? '')?.[1]
  if (voter === undefined || nodeId === undefined || Number(voter) === nodeId) return undefined
  return new InvalidSetting(`${setting} names another node than node.id=${nodeId}: ${ALONE}; ${REMEDY}`)
}

function otherControllers(servers: readonly string[], node: ThisNode): InvalidSetting | undefined {
  const other = servers.find((server) => !isThisNode(server, node))
  if (other === undefined) return undefined
  return new InvalidSetting(
    `controller.quorum.bootstrap.servers=${servers.join(',')} names another node, ${other}: ${ALONE}; ${REMEDY}`,
  )
}

function isThisNode(server: string, { listeners, hostName }: ThisNode): boolean {
  const address = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(server)
  if (address === null) return false
  const host = (address[1] ?? address[2] ?? '').toLowerCase()
  const ports = listeners.controller.map(({ port }) => port)
  if (ports.length > 0 && !ports.includes(0) && !ports.includes(Number(address[3]))) return false
  const named = [...listeners.listening, ...listeners.controller, ...listeners.advertised.values()]
  const own = [hostName ?? '', ...named.map((each) => each.host)].map((each) => each.toLowerCase())
  return isWildcard(host) || isLoopback(host) || own.includes(host)
}
