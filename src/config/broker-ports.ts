import { type InvalidSetting, invalidValue } from './config-value.ts'
import { inUrl, LARGEST_PORT, type ListenerAddress } from './listeners.ts'

/**
 * The port of each listener, by broker: the first has those of the settings, and each other one takes for each listener
 * the next port that no setting names and no broker has. Port 0 stays 0: any. named: ports that settings name.
 */
export function portsOfBrokers(
  listening: readonly ListenerAddress[],
  brokerCount: number,
  named: readonly number[],
): readonly (readonly number[])[] | InvalidSetting {
  const taken = new Set(named)
  const next = (port: number) => {
    if (port === 0) return 0
    let free = port + 1
    while (taken.has(free)) free++
    taken.add(free)
    return free
  }
  const brokers = [listening.map(({ port }) => port)]
  while (brokers.length < brokerCount) {
    const ports = brokers.at(-1)!.map(next)
    const tooLarge = ports.findIndex((port) => port > LARGEST_PORT)
    if (tooLarge !== -1) return noPortLeft(listening[tooLarge]!, brokers.length + 1)
    brokers.push(ports)
  }
  return brokers
}

function noPortLeft({ name, host, port }: ListenerAddress, brokers: number): InvalidSetting {
  return invalidValue(
    'listeners',
    `${name}://${inUrl(host)}:${port}`,
    `no port is left after it for ${brokers} brokers`,
  )
}
