import type { Logger } from '../observe/logger.ts'
import type { MetadataImage } from './metadata-image.ts'
import type { MetadataStore } from './metadata-store.ts'

/** Metadata that is stored and described, and that Ottla does not act on yet. */
const kinds: readonly { countOf(image: MetadataImage): number; line(count: number): string }[] = [
  {
    countOf: ({ clientQuotas }) => clientQuotas.size,
    line: (count) => {
      const these = count === 1 ? '1 client quota is' : `${count} client quotas are`
      return `${these} set and not in force: Ottla has no client quotas yet`
    },
  },
  {
    countOf: ({ scramCredentials }) => scramCredentials.size,
    line: (count) => {
      const users = count === 1 ? '1 user' : `${count} users`
      return `SCRAM credentials of ${users} are stored, and nobody needs them to connect: Ottla has no SASL yet`
    },
  },
]

/** Warns of each kind once: now, or when the first one is set. */
export function warnOfUnenforced(metadata: Pick<MetadataStore, 'image' | 'onChange'>, logger: Logger): void {
  const silent = new Set(kinds)
  const check = (image: MetadataImage) => {
    for (const kind of silent) {
      const count = kind.countOf(image)
      if (count === 0) continue
      silent.delete(kind)
      logger.warn({ count }, kind.line(count))
    }
  }
  check(metadata.image)
  metadata.onChange(check)
}
