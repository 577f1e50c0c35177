// Runs before `npm start`, `npm test` and similar scripts: installs and builds what is missing or stale, then runs.
// Plain JavaScript on bare Node.js, because it runs before anything is installed. It prints nothing and starts no
// process if nothing is to be done.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launch } from '../bin/launch.mjs'

const root = resolve(fileURLToPath(import.meta.url), '../..')
const installStamp = join(root, 'node_modules', '.ottla-install')
const buildStamp = join(root, 'dist', '.ottla-build')

/** Installs the packages of package-lock.json unless they are installed. */
export function ensureInstalled() {
  const lock = readFileSync(join(root, 'package-lock.json'))
  const wanted = hashOf(lock)
  if (read(installStamp) === wanted) return
  if (isInstalled(JSON.parse(lock))) return writeFileSync(installStamp, wanted)
  say('installing packages ...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  run(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'npm ci', { shell: process.platform === 'win32' })
  writeFileSync(installStamp, wanted)
}

/**
 * The user may have run npm: npm records what it installed. Optional packages for other platforms are missing from
 * that.
 */
function isInstalled({ packages }) {
  const note = read(join(root, 'node_modules', '.package-lock.json'))
  if (note === undefined) return false
  const installed = JSON.parse(note).packages
  return Object.entries(packages).every(([path, wanted]) => {
    const version = installed[path]?.version
    return path === '' || version === wanted.version || (version === undefined && wanted.optional === true)
  })
}

/** Installs likewise, and builds dist/ from the sources unless it was built from exactly these files. */
export function ensureBuilt() {
  ensureInstalled()
  const wanted = sourcesHash()
  if (read(buildStamp) === wanted) return
  say('building ...')
  run(process.execPath, ['--import', 'tsx', join(root, 'scripts', 'build.ts')], 'the build')
  writeFileSync(buildStamp, wanted)
}

// Names, sizes and times, not contents: checking some hundred files takes a few milliseconds.
function sourcesHash() {
  const parts = []
  const visit = (path) => {
    const stat = statSync(path)
    if (stat.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name))
    else if (!path.endsWith('.test.ts')) parts.push(`${path} ${stat.size} ${stat.mtimeMs}`)
  }
  for (const each of ['protocol', 'storage', 'src', 'package.json', 'tsconfig.json']) visit(join(root, each))
  for (const each of ['build', 'prepare-tool', 'kafka-tool', 'maven-jars', 'stock-tools'])
    visit(join(root, 'scripts', `${each}.ts`))
  return hashOf(parts.join('\n'), read(installStamp) ?? '')
}

function hashOf(...parts) {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function say(text) {
  process.stderr.write(`ottla: ${text}\n`)
}

// The output of installers and compilers goes to stderr: stdout belongs to the requested program.
function run(file, args, name, options = {}) {
  const { status, error } = spawnSync(file, args, { cwd: root, stdio: ['ignore', 2, 2], ...options })
  if (status === 0) return
  say(`${name} failed${error === undefined ? '' : `: ${error.message}`}; nothing was started`)
  process.exit(1)
}

/** Runs a TypeScript file of this checkout in a separate process and exits with its result. */
function runScript(file, args) {
  const { status, signal } = spawnSync(process.execPath, ['--import', 'tsx', file, ...args], {
    cwd: root,
    stdio: 'inherit',
  })
  process.exit(signal === null ? (status ?? 1) : 1)
}

// A killed npm would leave an unknown broker behind, and so would one that answers SIGTERM by killing a shell between
// itself and this process. So a change of the parent process counts as a signal to stop.
function stopWithParent() {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, 250)
  timer.unref()
}

async function main([command, ...args]) {
  switch (command) {
    case 'start':
      ensureBuilt()
      if (process.env.npm_lifecycle_event !== undefined) stopWithParent()
      return launch(['start', ...args])
    case 'build':
      return ensureBuilt()
    case 'test':
      ensureBuilt()
      return runScript(join(root, 'scripts', 'test.ts'), args)
    case 'run':
      ensureBuilt()
      return runScript(args[0], args.slice(1))
    case 'tool':
      ensureInstalled()
      return runScript(args[0], args.slice(1))
    default:
      say(`bootstrap.js start|test|build|run FILE|tool FILE, not '${command}'`)
      process.exit(1)
  }
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  await main(process.argv.slice(2))
