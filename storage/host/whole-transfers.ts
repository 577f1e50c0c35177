/** Reads some bytes into target from position; returns the number, 0 at the end of the file. */
export type ReadSome = (target: Uint8Array, position: number) => number
/** Writes some bytes of the slices, in order, from position on; returns the number, at least one. */
export type WriteSome = (slices: readonly Uint8Array[], position: number) => number

/** Reads until target is full or the file ends: an operating system may read less than requested. */
export function readFully(readSome: ReadSome, target: Uint8Array, position: number): number {
  let done = 0
  while (done < target.length) {
    const count = readSome(done === 0 ? target : target.subarray(done), position + done)
    if (count === 0) break
    done += count
  }
  return done
}

/** Writes every byte of the slices: an operating system may write less than requested. */
export function writeFully(writeSome: WriteSome, slices: readonly Uint8Array[], position: number): void {
  let rest = slices
  let at = position
  while (rest.length > 0) {
    const count = writeSome(rest, at)
    at += count
    rest = withoutFirst(rest, count)
  }
}

/** The slices after their first `count` bytes. */
export function withoutFirst(slices: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skip = count
  for (let i = 0; i < slices.length; i++) {
    const slice = slices[i]!
    if (skip < slice.length) return skip === 0 ? slices.slice(i) : [slice.subarray(skip), ...slices.slice(i + 1)]
    skip -= slice.length
  }
  return []
}
