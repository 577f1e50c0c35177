/** Elements from which on a response is encoded in slices: so many of the smallest take about a millisecond. */
const LARGE_ELEMENTS = 2000

/** Whether a response has many elements, those of arrays in its arrays included. Looks no further than it has to. */
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
