/**
 * Responses with at least this many elements are encoded in slices. That many of the smallest take about a millisecond.
 */
const LARGE_ELEMENTS = 2000

/** Whether a response has many elements, counting arrays inside its arrays. Stops counting early. */
export function isLargeResponse(body: object): boolean {
  return countTo(LARGE_ELEMENTS, body, true) >= LARGE_ELEMENTS
}

function countTo(limit: number, struct: object, looksInside: boolean): number {
  let count = 0
  for (const value of Object.values(struct)) {
    if (!Array.isArray(value)) continue
    count += value.length
    if (!looksInside) continue
    for (const element of value) {
      if (count >= limit) return count
      if (typeof element === 'object' && element !== null) count += countTo(limit, element, false)
    }
  }
  return count
}
