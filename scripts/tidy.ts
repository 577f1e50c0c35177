/**
 * Checks the rules of the tree: allowed imports between layers, access to the machine, dead code, complete lists. Each
 * complaint names the place and the remedy. Part of `npm test`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { dirname as folderOf, join as joinPath } from 'node:path/posix'

/** Text of each source file and of src/README.md, by its path from the root with forward slashes. */
export type Sources = ReadonlyMap<string, string>
type Complain = (complaint: string) => void
interface File {
  readonly path: string
  readonly text: string
  /** Without comments. */
  readonly code: string
  /** Paths of the files of this tree that it imports. */
  readonly imports: readonly string[]
}

/** Violations of the rules, one line each; empty if there are none. */
export function complaintsAbout(sources: Sources): string[] {
  const isCode = ([path]: readonly [string, string]): boolean => path.endsWith('.ts')
  const files = new Map([...sources].filter(isCode).map(([path, text]) => [path, readFile(path, text)]))
  const levelOf = levelsFrom(sources)
  const complaints: string[] = []
  const complain = (complaint: string) => complaints.push(complaint)
  for (const file of files.values()) {
    checkDirections(file, files, levelOf, complain)
    checkDoors(file, complain)
    checkFailures(file, complain)
    checkNames(file, complain)
    checkTests(file, complain)
  }
  checkCircles(files, complain)
  checkReach(files, complain)
  checkLists(files, complain)
  return complaints
}

function readFile(path: string, text: string): File {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const specifiers = [...code.matchAll(/(?:^(?:import|export|\}) .*|^import |\bimport\()'(\.{1,2}\/[^']+)'/gm)]
  const imports = specifiers.map((match) => joinPath(folderOf(path), match[1]!))
  return { path, text, code, imports }
}

const isTest = (path: string) => /\.(test|conformance|fixture)\.ts$/.test(path)
/** Programs for tests and developers, which may use what tests share. */
const isBesideProduct = (path: string) => /^(compat-tests|scripts)\//.test(path)

const ROOMS_PAGE = 'src/README.md'

/**
 * Level of a file: it may import from its own layer and lower ones. Folders of src/ are ordered as in src/README.md.
 */
type LevelOf = (path: string) => number

function levelsFrom(sources: Sources): LevelOf {
  const rooms = [...(sources.get(ROOMS_PAGE) ?? '').matchAll(/^\| `([a-z]+\/)` \|/gm)].map((match) => `src/${match[1]}`)
  const layers = ['protocol/', 'storage/', ...rooms.reverse(), 'src/broker', 'src/']
  return (path) => {
    const level = layers.findIndex((prefix) => path.startsWith(prefix))
    return level < 0 ? layers.length : level
  }
}

function checkDirections(
  { path, imports }: File,
  files: ReadonlyMap<string, File>,
  levelOf: LevelOf,
  complain: Complain,
): void {
  for (const target of imports) {
    if (!files.has(target)) complain(`${path} imports ${target}, which does not exist: correct the path`)
    else if (!isTest(path) && !isBesideProduct(path) && isTest(target))
      complain(`${path} imports ${target}, a test: move what both need`)
    else if (!isTest(path) && levelOf(target) > levelOf(path))
      complain(`${path} imports ${target}, a higher layer: declare the interface that it needs, and take it`)
  }
}

/** Circular imports, types included, cannot be read one file after the other. Each circle is reported once. */
function checkCircles(files: ReadonlyMap<string, File>, complain: Complain): void {
  const done = new Set<string>()
  const way: string[] = []
  const visit = (path: string): void => {
    if (way.includes(path)) {
      const circle = [...way.slice(way.indexOf(path)), path].join(' -> ')
      complain(`${circle} is a circular import: move what both sides need into a lower file`)
    }
    const file = files.get(path)
    if (file === undefined || done.has(path)) return
    done.add(path)
    way.push(path)
    for (const target of file.imports) visit(target)
    way.pop()
  }
  for (const path of files.keys()) visit(path)
}

/** Files that may access the machine. */
const doors =
  /^(storage\/host\/(node|simulated)-[a-z-]+\.ts|src\/network\/tcp-transport\.ts|src\/main\.ts|src\/cli\/|src\/observe\/process-logger\.ts|src\/embedded\/|scripts\/|compat-tests\/)/
const machine: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bDate\.now\(|\bnew Date\(\)/, 'host.clock.nowMs()'],
  [/\bperformance\.now\(|\bprocess\.hrtime/, 'host.clock.monotonicMs()'],
  [/\b(setTimeout|setInterval|setImmediate)\(|process\.nextTick\(/, 'host.timers'],
  [/\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/, 'host.random'],
  [/from '(node:)?fs(\/promises)?'/, 'host.files'],
  [/from '(node:)?(net|http|https|tls|dgram)'/, 'Transport'],
  [/from '(node:)?(child_process|worker_threads|cluster|os)'/, 'Host'],
  [/\bprocess\.(env|cwd|exit)\b/, 'an argument of the constructor'],
  [/\bconsole\.\w+\(/, 'Logger'],
]

function checkDoors({ path, code }: File, complain: Complain): void {
  if (isTest(path) || doors.test(path)) return
  for (const [pattern, instead] of machine) {
    const found = pattern.exec(code)?.[0]
    if (found !== undefined) complain(`${path} uses ${found}: take ${instead} instead`)
  }
}

const swallowed: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\.catch\(\(\w*\) => (\{\s*\}|undefined|null)\)/, 'handle the failure, or log it'],
  [/\bcatch( \(\w+\))? \{\s*\}/, 'handle the failure, or log it'],
  [/^\s*void [\w#.]+\(/m, 'hand the promise to inBackground'],
  [/\bas (NodeJS\.)?ErrnoException\)\.code [!=]== undefined/, 'ask isSystemError'],
]

/** A swallowed failure. storage/failure-policy.ts lists what each failure does. */
function checkFailures({ path, code }: File, complain: Complain): void {
  if (isTest(path) || isBesideProduct(path)) return
  for (const [pattern, instead] of swallowed) {
    const found = pattern.exec(code)?.[0].trim()
    if (found !== undefined) complain(`${path} has ${found}: ${instead} (storage/failure-policy.ts)`)
  }
}

function checkNames({ path, code }: File, complain: Complain): void {
  const name = basename(path).split('.', 1)[0]!
  if (/^(utils?|helpers?|common|misc)$/.test(name))
    complain(`${path} has a name that says nothing: name it after what it contains`)
  if (/^export default /m.test(code)) complain(`${path} has a default export: name it`)
}

function checkTests({ path, code }: File, complain: Complain): void {
  if (!path.endsWith('.test.ts')) return
  // A file may run an imported suite: describePartitionLog(...), partitionConformance(...).
  if (!/\bit\(|^\s*(describe[A-Z]\w*|\w+(Conformance|Suite))\(/m.test(code))
    complain(`${path} holds no test: write one or remove the file`)
  const narrowed = /^\s*((it|describe)\.(only|skip)|x(it|describe))\(/m.exec(code)?.[1]
  if (narrowed !== undefined)
    complain(`${path} has ${narrowed}: run a part with \`npm test -- PATH\`, and fix or delete what fails`)
}

/**
 * A file that neither the product nor a script nor a test reaches is dead; a file that only tests reach must have a
 * test suffix. A program is reached by files that name it.
 */
function checkReach(files: ReadonlyMap<string, File>, complain: Complain): void {
  const isProgram = (path: string) =>
    path === 'src/main.ts' || path === 'src/embedded/index.ts' || /^scripts\/[a-z-]+\.ts$/.test(path)
  const byPrograms = reachedFrom(files, (path) => isProgram(path) || path.startsWith('compat-tests/'))
  const byTests = reachedFrom(files, (path) => isProgram(path) || isTest(path))
  for (const path of files.keys()) {
    if (!byTests.has(path)) complain(`${path} is imported by nothing: use it or remove it`)
    else if (!byPrograms.has(path) && !isTest(path))
      complain(`${path} is imported by tests alone: call it ${path.replace(/\.ts$/, '.fixture.ts')}`)
  }
}

function reachedFrom(files: ReadonlyMap<string, File>, isEntry: (path: string) => boolean): ReadonlySet<string> {
  const reached = new Set<string>()
  const visit = (path: string) => {
    const file = files.get(path)
    if (file === undefined || reached.has(path)) return
    reached.add(path)
    for (const target of file.imports) visit(target)
    for (const [, name] of file.code.matchAll(/'([\w./-]+\.ts)'/g)) visit(joinPath(folderOf(path), name!))
  }
  for (const path of files.keys()) if (isEntry(path)) visit(path)
  return reached
}

/** Every schema and every handler must be in its folder's list. */
function checkLists(files: ReadonlyMap<string, File>, complain: Complain): void {
  for (const folder of ['protocol/apis', 'src/apis']) {
    const list = files.get(`${folder}/index.ts`)
    if (list === undefined) {
      complain(`${folder}/index.ts is missing: it lists every api`)
      continue
    }
    for (const { path, code } of files.values()) {
      const isApi = dirname(path) === folder && !isTest(path) && /= (api|handler)\(/.test(code)
      if (isApi && !list.imports.includes(path)) complain(`${folder}/index.ts does not list ${path}: add it`)
    }
  }
}

function sourcesOf(root: string): Sources {
  const sources = new Map([[ROOMS_PAGE, readFileSync(join(root, ROOMS_PAGE), 'utf8')]])
  for (const folder of ['protocol', 'storage', 'src', 'scripts', 'compat-tests'])
    for (const name of readdirSync(join(root, folder), { recursive: true })) {
      const path = join(folder, String(name)).replaceAll('\\', '/')
      if (path.endsWith('.ts') && !path.endsWith('.d.ts')) sources.set(path, readFileSync(join(root, path), 'utf8'))
    }
  return sources
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === import.meta.filename) {
  const complaints = complaintsAbout(sourcesOf(resolve(import.meta.dirname, '..')))
  for (const complaint of complaints) console.error(complaint)
  process.exit(complaints.length > 0 ? 1 : 0)
}
