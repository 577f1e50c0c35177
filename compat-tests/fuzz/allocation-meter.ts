const factories = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const
let allocated = 0
let isInstalled = false

/**
 * Counts the bytes of all buffers that this thread allocates from now on, also those freed again. If code allocates by
 * an unchecked length, it shows here, on every machine alike. Buffers allocated inside node's own modules do not count.
 */
export function watchAllocations(): { bytes(): number } {
  if (!isInstalled) install()
  const before = allocated
  return { bytes: () => allocated - before }
}

function install(): void {
  isInstalled = true
  for (const name of factories) {
    const make = Buffer[name] as (size: number, ...rest: unknown[]) => Buffer
    const counting = (size: number, ...rest: unknown[]) => {
      allocated += size
      return make(size, ...rest)
    }
    Object.assign(Buffer, { [name]: counting })
  }
}
