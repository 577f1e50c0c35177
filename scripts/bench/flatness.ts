/** What of a measure may grow between the beginning and the end of a run before it is taken for a leak. */
export interface Growth {
  readonly from: number
  readonly to: number
  readonly isFlat: boolean
}

/** Part of a run that is left out: caches fill, code is compiled. */
const WARM_UP_PART = 0.3
/** Part of what is left that stands for its beginning, and as much for its end. */
const END_PART = 0.3
const FEWEST_SAMPLES = 6

/**
 * Compares the medians of the first and the last samples after the warm-up, so that single peaks count for nothing.
 * Rejects fewer samples than can tell anything.
 */
export function growthOf(samples: readonly number[], toleratedGrowth: number): Growth {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP_PART))
  if (warm.length < FEWEST_SAMPLES) throw new Error(`${samples.length} samples are too few: run it for longer`)
  const count = Math.max(2, Math.floor(warm.length * END_PART))
  const [from, to] = [median(warm.slice(0, count)), median(warm.slice(-count))]
  return { from, to, isFlat: to - from <= toleratedGrowth }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
}
