import type { MemoryFiles } from '../../storage/host/memory-files.ts'
import type { SeededRandom } from '../../storage/host/seeded-random.ts'
import { type ByteRot, blindRot } from './byte-rot.ts'
import { entryRot, logRot, textRot } from './structured-rot.ts'

/** Damage to files at rest, between two starts. */
export interface Rot {
  readonly what: string
  /** Damaged files and directories. */
  readonly paths: readonly string[]
  apply(files: MemoryFiles): void
}

type DrawBytes = (bytes: Buffer, random: SeededRandom) => ByteRot

/** Kinds of files, with the weight of each and its kinds of damage. */
interface FileKind {
  readonly name: string
  readonly weight: number
  readonly pattern: RegExp
  readonly draw: DrawBytes
}

const kinds: readonly FileKind[] = [
  { name: 'metadata log', weight: 8, pattern: /\/__cluster_metadata-0\/\d{20}\.log$/, draw: logRot },
  { name: 'metadata snapshot', weight: 5, pattern: /\/__cluster_metadata-0\/.*\.checkpoint$/, draw: logRot },
  { name: 'metadata state', weight: 3, pattern: /\/__cluster_metadata-0\/[a-z].*$/, draw: textRot },
  {
    name: 'state log',
    weight: 10,
    pattern: /\/__(consumer_offsets|transaction_state)-\d+\/\d{20}\.log$/,
    draw: logRot,
  },
  { name: 'log', weight: 24, pattern: /\/[^/]+-\d+\/\d{20}\.log$/, draw: logRot },
  { name: 'index', weight: 10, pattern: /\.index$/, draw: entryRot(8, 4) },
  { name: 'time index', weight: 10, pattern: /\.timeindex$/, draw: entryRot(12, 4) },
  { name: 'transaction index', weight: 5, pattern: /\.txnindex$/, draw: entryRot(34, 2) },
  { name: 'snapshot', weight: 8, pattern: /\.snapshot$/, draw: entryRot(2, 2) },
  { name: 'checkpoint', weight: 10, pattern: /-checkpoint$/, draw: textRot },
  { name: 'identity', weight: 5, pattern: /\/(meta\.properties|partition\.metadata)$/, draw: textRot },
  { name: 'anything', weight: 4, pattern: /./, draw: blindRot },
]

const weighted = kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind))

/** Damages one random file of some kind. */
export function drawFileRot(
  files: MemoryFiles,
  random: SeededRandom,
  isMeant: (path: string) => boolean = () => true,
): Rot {
  const all = files.allFiles().filter((path) => isMeant(path) && !path.endsWith('.lock'))
  for (;;) {
    const kind = random.pick(weighted)
    const found = all.filter((path) => kind.pattern.test(path))
    if (found.length > 0) return fileRot(files, random.pick(found), { kind, found, random })
    if (all.length === 0) return { what: 'nothing: there are no files', paths: [], apply() {} }
  }
}

function fileRot(
  files: MemoryFiles,
  path: string,
  { kind, found, random }: { kind: FileKind; found: readonly string[]; random: SeededRandom },
): Rot {
  const dice = random.below(100)
  if (dice < 8) return { what: `${path}: removed`, paths: [path], apply: (each) => each.remove(path) }
  const other = random.pick(found)
  if (dice < 13 && other !== path) return swapped(path, other)
  if (dice < 17 && other !== path) return copied(other, path)
  const draw = dice < 45 ? blindRot : kind.draw
  const { what, bytes } = draw(files.readWhole(path)!, random)
  return { what: `${path}: ${what}`, paths: [path], apply: (each) => overwrite(each, path, bytes) }
}

function swapped(a: string, b: string): Rot {
  return {
    what: `${a} and ${b} swapped`,
    paths: [a, b],
    apply(files) {
      if (!files.exists(a) || !files.exists(b)) return
      files.rename(a, `${a}.swapped`)
      files.rename(b, a)
      files.rename(`${a}.swapped`, b)
    },
  }
}

function copied(from: string, to: string): Rot {
  return {
    what: `${to} replaced by ${from}`,
    paths: [to],
    apply(files) {
      const bytes = files.readWhole(from)
      if (bytes !== undefined) overwrite(files, to, bytes)
    },
  }
}

/** Damages a whole directory: of a partition, or a data directory. */
export function drawDirectoryRot(files: MemoryFiles, random: SeededRandom, dataDirectories: readonly string[]): Rot {
  const data = random.pick(dataDirectories)
  const inside = files
    .list(data)
    .sort()
    .filter((name) => files.stat(`${data}/${name}`)?.isDirectory)
    .map((name) => `${data}/${name}`)
  const dice = random.below(inside.length > 0 ? 10 : 2)
  if (dice === 0) return { what: `${data}: emptied`, paths: [data], apply: (each) => emptied(each, data) }
  if (dice === 1) return { what: `${data}: removed`, paths: [data], apply: (each) => each.remove(data) }
  const path = random.pick(inside)
  const elsewhere = random.pick(dataDirectories)
  const copy = `${elsewhere}/${path.slice(data.length + 1)}`
  const other = random.pick(inside)
  if (dice < 4) return { what: `${path}: emptied`, paths: [path], apply: (each) => emptied(each, path) }
  if (dice < 7 || (elsewhere === data && dice < 9) || other === path)
    return { what: `${path}: removed`, paths: [path], apply: (each) => each.remove(path) }
  if (elsewhere === data) return swapped(path, other)
  if (dice === 7) {
    return {
      what: `${path}: moved to ${elsewhere}`,
      paths: [path, copy],
      apply: (each) => each.exists(path) && each.exists(elsewhere) && each.rename(path, copy),
    }
  }
  return { what: `${path}: copied to ${elsewhere}`, paths: [path, copy], apply: (each) => copyAll(each, path, copy) }
}

function emptied(files: MemoryFiles, directory: string): void {
  if (files.exists(directory)) for (const name of files.list(directory)) files.remove(`${directory}/${name}`)
}

function copyAll(files: MemoryFiles, from: string, to: string): void {
  if (!files.exists(from)) return
  files.makeDirectory(to)
  for (const path of files.allFiles(from)) overwrite(files, `${to}${path.slice(from.length)}`, files.readWhole(path)!)
}

function overwrite(files: MemoryFiles, path: string, bytes: Buffer): void {
  if (!files.exists(path.slice(0, path.lastIndexOf('/')))) return
  const handle = files.open(path, 'a+')
  handle.truncate(0)
  handle.writeSync([bytes], 0)
  handle.syncNow()
}
