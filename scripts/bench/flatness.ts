/** Growth of a measure over a run, and whether it counts as a leak. */
export interface Growth {
  readonly from: number
  readonly to: number
  readonly isFlat: boolean
}

/** Part of a run that is ignored: caches fill, code is compiled. */
const WARM_UP_PART = 0.3
/** Part of the rest used as its beginning, and the same as its end. */
const END_PART = 0.3
const FEWEST_SAMPLES = 6

/**
 * Compares the medians of the first and the last samples after the warm-up, so that single peaks do not count. Rejects
 * too few samples for a result.
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
