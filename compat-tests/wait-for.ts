const POLL_EVERY_MS = 20

/**
 * Polls until `condition` returns something other than undefined, null or false, and resolves to it. After `withinMs`
 * it rejects with `what` and the last error that the condition threw, if any.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  withinMs = 15_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + withinMs
  let lastError: unknown
  for (;;) {
    try {
      const attempt = (async () => condition())()
      const value = await within('the last attempt ended', attempt, Math.max(1, deadline - Date.now()))
      if (value !== undefined && value !== null && value !== false) return value as NonNullable<T>
      lastError = undefined
    } catch (error) {
      // An attempt that was cut short says less than the one before.
      if (lastError === undefined || Date.now() < deadline) lastError = error
    }
    if (Date.now() >= deadline) throw new Error(`not within ${withinMs} ms: ${what}`, { cause: lastError })
    await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS))
  }
}

/** The promise's own outcome, or a rejection that names `what` if it takes longer than `withinMs`. */
export async function within<T>(what: string, promise: Promise<T>, withinMs = 15_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${withinMs} ms: ${what}`)), withinMs)
  })
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer))
}
