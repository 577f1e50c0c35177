/**
 * Holds the tree to its own rules: who may import whom, who may touch the machine, nothing dead, nothing left out of a
 * list. Each complaint says where and how to mend it. Part of `npm test`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const complaints: string[] = []

interface Source {
  /** Path from the root, with forward slashes. */
  readonly path: string
  readonly text: string
  /** Paths from the root of the files of this tree that it imports. */
  readonly imports: readonly string[]
}

const sources = new Map<string, Source>()
for (const folder of ['protocol', 'storage', 'src', 'scripts', 'compat-tests'])
  for (const name of readdirSync(join(root, folder), { recursive: true }).map(String)) {
    const path = join(folder, name).replaceAll('\\', '/')
    if (path.endsWith('.ts') && !path.endsWith('.d.ts')) sources.set(path, readSource(path))
  }

function readSource(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8')
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.{1,2}\/[^']+)'/g)].map(
    (match) => match[1]!,
  )
  const imports = specifiers.map((specifier) =>
    relative(root, resolve(root, dirname(path), specifier)).replaceAll('\\', '/'),
  )
  return { path, text, imports }
}

const isTest = (path: string) => /\.(test|conformance|fixture)\.ts$/.test(path)

/** Layers from the bottom up: a file imports from its own layer and from those below. */
const layerOf: readonly (readonly [prefix: string, level: number])[] = [
  ['protocol/', 0],
  ['storage/', 1],
  ['src/observe/', 2],
  // The parts of a broker are peers: they know each other's interfaces.
  ['src/config/', 3],
  ['src/metadata/', 3],
  ['src/partition/', 3],
  ['src/fetch/', 3],
  ['src/coordinator/', 3],
  ['src/security/', 3],
  ['src/quota/', 3],
  ['src/apis/', 7],
  ['src/request/', 9],
  ['src/network/', 8],
  ['src/broker.ts', 10],
  ['src/', 11],
  ['scripts/', 12],
  ['compat-tests/', 12],
]

function level(path: string): number {
  return layerOf.find(([prefix]) => path.startsWith(prefix))?.[1] ?? 13
}

function checkDirections(source: Source): void {
  if (isTest(source.path)) return
  for (const target of source.imports) {
    if (!sources.has(target)) complaints.push(`${source.path} imports ${target}, which is not there`)
    else if (level(target) > level(source.path))
      complaints.push(
        `${source.path} imports ${target}, a higher layer: declare the interface that it needs, and take it`,
      )
  }
}

/** Files that may open the door to the machine. */
const doors =
  /^(storage\/host\/(node|simulated)-[a-z-]+\.ts|src\/network\/tcp-transport\.ts|src\/main\.ts|src\/cli\/|src\/observe\/process-logger\.ts|src\/embedded\/|scripts\/|compat-tests\/)/
const machine: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\bDate\.now\(|\bnew Date\(\)/, 'host.clock.nowMs()'],
  [/\bperformance\.now\(|\bprocess\.hrtime/, 'host.clock.monotonicMs()'],
  [/\b(setTimeout|setInterval|setImmediate)\(|process\.nextTick\(/, 'host.timers'],
  [/\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/, 'host.random'],
  [/from '(node:)?fs(\/promises)?'/, 'host.files'],
  [/from '(node:)?(net|http|https|tls|dgram)'/, 'Transport'],
  [/\bprocess\.env\b/, 'an argument of the constructor'],
]

function checkDoors({ path, text }: Source): void {
  if (isTest(path) || doors.test(path)) return
  for (const [pattern, instead] of machine) {
    const match = pattern.exec(withoutComments(text))
    if (match !== null) complaints.push(`${path} uses ${match[0]}: take ${instead} instead`)
  }
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function checkNames({ path, text }: Source): void {
  const name = basename(path, '.ts')
  if (/^(utils?|helpers?|common|misc)$/.test(name.replace(/\.test$/, '')))
    complaints.push(`${path} says nothing by its name: name it after what it holds`)
  if (/^export default /m.test(text) && !path.endsWith('.d.ts'))
    complaints.push(`${path} has a default export: name it`)
}

function checkTests({ path, text }: Source): void {
  if (!path.endsWith('.test.ts')) return
  if (!/\b(it|test)\(/.test(text) && !/(Conformance|Suite)\(/.test(text))
    complaints.push(`${path} holds no test: write one or remove the file`)
  if (/\b(it|describe)\.(only|skip)\(|\bxit\(|\bxdescribe\(/.test(text))
    complaints.push(`${path} narrows or skips tests: remove .only and .skip`)
}

/** Whatever neither the product nor a script nor a test reaches is dead. */
function checkReach(): void {
  const entries = [...sources.keys()].filter(
    (path) =>
      path === 'src/main.ts' || path === 'src/embedded/index.ts' || isTest(path) || /^scripts\/[a-z-]+\.ts$/.test(path),
  )
  const reached = new Set<string>()
  const visit = (path: string) => {
    if (reached.has(path)) return
    reached.add(path)
    for (const target of sources.get(path)?.imports ?? []) visit(target)
  }
  for (const entry of entries) visit(entry)
  for (const path of sources.keys())
    if (!reached.has(path)) complaints.push(`${path} is imported by nothing: use it or remove it`)
}

/** Every schema and every handler stands in its folder's list. */
function checkLists(): void {
  for (const folder of ['protocol/apis', 'src/apis']) {
    const index = sources.get(`${folder}/index.ts`)
    if (index === undefined) {
      complaints.push(`${folder}/index.ts is missing: it lists every api`)
      continue
    }
    for (const [path, { text }] of sources) {
      const isApi = dirname(path) === folder && !isTest(path) && /= (api|handler)\(/.test(text)
      if (isApi && !index.imports.includes(path)) complaints.push(`${folder}/index.ts does not list ${path}: add it`)
    }
  }
}

for (const source of sources.values()) {
  checkDirections(source)
  checkDoors(source)
  checkNames(source)
  checkTests(source)
}
checkReach()
checkLists()
for (const complaint of complaints) console.error(complaint)
if (complaints.length > 0) process.exit(1)
