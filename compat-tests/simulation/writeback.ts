import type { SimulatedHost } from '../../storage/host/simulated-host.ts'

/** For every fourth seed the system writes back during a third of the time. Draws no random numbers. */
export function writeBackAtTimes(host: SimulatedHost, seed: number): void {
  if (seed % 4 === 2) host.writesBack = (elapsedMs) => Math.floor(elapsedMs / 300) % 3 === 0
}
