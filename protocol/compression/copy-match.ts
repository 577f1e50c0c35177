/**
 * Copies length bytes from offset bytes before `to`; returns the position after them. A match may overlap its output:
 * then it repeats its last `offset` bytes. The caller has checked that all of it is within target.
 */
export function copyMatch(target: Uint8Array, to: number, offset: number, length: number): number {
  if (length > 32 && offset >= length) {
    target.copyWithin(to, to - offset, to - offset + length)
    return to + length
  }
  if (length > 32 && offset === 1) {
    target.fill(target[to - 1]!, to, to + length)
    return to + length
  }
  const end = to + length
  for (let at = to, from = to - offset; at < end; ) target[at++] = target[from++]!
  return end
}
