/** A simulation that judges errors which nothing catches: a real process would have ended. */
interface Judging {
  run(): Promise<void>
  ended(reason: unknown): void
}

/** Runs a simulation; errors that nothing catches go to it meanwhile, and to nobody else. */
export async function runJudging(simulation: Judging): Promise<void> {
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (reason) => simulation.ended(reason))
  try {
    await simulation.run()
  } finally {
    process.removeAllListeners('unhandledRejection')
    for (const each of others) process.on('unhandledRejection', each)
  }
}
