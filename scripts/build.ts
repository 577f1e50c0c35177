/**
 * Builds dist/: the broker as one file, the library as another, the library's types, and what bin/run-tool.sh needs. Run through bootstrap.js. The
 * build is made in another folder and moved into place at the end: a broker that starts during a failed or parallel
 * build still finds a complete one.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
const output = join(root, '.cache', `build-${process.pid}`)
process.once('exit', () => rmSync(output, { recursive: true, force: true }))

await build({
  absWorkingDir: root,
  entryPoints: { ottla: 'src/main.ts', index: 'src/embedded/index.ts', 'prepare-tool': 'scripts/prepare-tool.ts' },
  outdir: output,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  // pino is loaded by the first structured log line, re2js by the first subscription to a regular expression, the
  // native CRC and LZ4 only if npm could install them.
  external: ['pino', 're2js', '@node-rs/crc32', 'lz4-napi'],
  // CommonJS packages inside an ES module still load Node.js's own modules with require.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  define: { OTTLA_VERSION: JSON.stringify(version) },
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
}).catch(() => process.exit(1)) // esbuild has printed the reason
// Declarations only: npm test checks the types.
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const options = ['-p', join(root, 'tsconfig.types.json'), '--noCheck', '--outDir', join(output, 'types')]
execFileSync(process.execPath, [compiler, ...options], { stdio: 'inherit' })

const dist = join(root, 'dist')
const old = `${output}-old`
mkdirSync(old)
if (existsSync(dist)) renameSync(dist, join(old, 'dist'))
renameSync(output, dist)
rmSync(old, { recursive: true })
