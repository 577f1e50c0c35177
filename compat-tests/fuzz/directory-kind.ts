import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { drawDirectoryRot, drawFileRot, type Rot } from '../rot/rot.ts'
import { runDirectoryCase } from './directory/directory-case.ts'
import { type MadeDirectory, madeDirectory, variants } from './directory/made-directory.ts'
import { type Counts, Finding, type FuzzKind } from './kind.ts'

const MOST_FAULTS = 3

async function runCase(random: SeededRandom, input: (bytes: Buffer) => void): Promise<Counts> {
  const made = await madeDirectory(random.pick(variants))
  const { files, variant } = made
  const count = random.oneIn(2) ? 1 : 1 + random.below(MOST_FAULTS)
  const rots = Array.from({ length: count }, () =>
    random.oneIn(8) ? drawDirectoryRot(files, random, variant.directories) : drawFileRot(files, random),
  )
  input(Buffer.from(rots.map(({ what }) => what).join('; ')))
  try {
    return await runDirectoryCase(made, rots)
  } catch (error) {
    throw await shrunk(made, rots, error as Error)
  }
}

/** The failure with the fewest faults that still cause one. */
async function shrunk(made: MadeDirectory, rots: readonly Rot[], failure: Error): Promise<Error> {
  for (const fewer of rots.length > 1 ? rots.map((_, i) => rots.toSpliced(i, 1)) : []) {
    try {
      await runDirectoryCase(made, fewer)
    } catch (error) {
      return shrunk(made, fewer, error as Error)
    }
  }
  const why = failure instanceof Finding ? failure.message : failure.stack
  return new Finding(`${made.variant.name}: ${rots.map(({ what }) => what).join('; ')}\n  ${why}`)
}

/** Data directories with damage at rest, and a broker that is started on them. */
export const directoryKind: FuzzKind = {
  name: 'directory',
  summary: 'data directories that were damaged between two starts: files, names, whole directories',
  share: 0,
  roundCases: 1,
  allocationLimit: () => 1 << 30,
  async open() {
    // Built outside the case, whose time is limited.
    for (const variant of variants) await madeDirectory(variant)
    return { run: runCase }
  },
}
