import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { projectDirectory } from '../broker-program.ts'
import { waitFor } from '../wait-for.ts'

const checkedOut = [
  ...['bin', 'config', 'protocol', 'scripts', 'src', 'storage'],
  ...['package.json', 'package-lock.json', '.npmrc', 'tsconfig.json', 'tsconfig.types.json'],
]
const anyPort = ['--override', 'listeners=PLAINTEXT://127.0.0.1:0']

describe('npm start in a fresh checkout', function () {
  this.timeout(180_000)
  let folder: string

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-checkout-'))
    for (const name of checkedOut) cpSync(join(projectDirectory, name), join(folder, name), { recursive: true })
  })

  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))

  /** Output of a start until it was ready, its exit code, and whether it left a broker behind. */
  async function startAndStop(signal: NodeJS.Signals): Promise<{ stdout: string; stderr: string; code: number }> {
    const child = spawn('npm', ['start', '--silent', '--', ...anyPort], { cwd: folder })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const closed = once(child, 'close')
    const ended = closed.then(() => {
      throw new Error(`it ended: ${stdout}${stderr}`)
    })
    await Promise.race([ended, waitFor('the broker is ready', () => stdout.includes('is listening on'), 150_000)])
    // Only npm gets the signal, as from a supervisor. Its output closes once no process holds it open.
    child.kill(signal)
    const [code] = await closed
    await ended.catch(() => {})
    return { stdout, stderr, code }
  }

  it('installs, builds and starts', async () => {
    const { stdout, stderr, code } = await startAndStop('SIGTERM')
    expect(stderr).to.contain('ottla: installing packages').and.to.contain('ottla: building')
    expect(stdout).to.match(/^ottla \S+ is listening on 127\.0\.0\.1:\d+, data in \S+, ready after \d+ ms\n$/)
    expect(code).to.equal(0)
  })

  it('only starts the second time, and stops when npm is told to', async () => {
    const { stdout, stderr, code } = await startAndStop('SIGINT')
    expect(stderr).not.to.contain('ottla:')
    expect(stdout).to.match(/^ottla \S+ is listening/)
    expect(code).to.equal(0)
  })

  it('builds again what has changed, and only that', async () => {
    appendFileSync(join(folder, 'src', 'main.ts'), '\n// changed\n')
    const { stderr } = await startAndStop('SIGTERM')
    expect(stderr).to.contain('ottla: building').and.not.to.contain('installing')
  })

  it('starts nothing, and keeps the last build, where the build fails', async () => {
    appendFileSync(join(folder, 'src', 'main.ts'), '\nthis is no program\n')
    const error = await startAndStop('SIGTERM').then(
      () => new Error('it started'),
      (reason: Error) => reason,
    )
    expect(error.message).to.contain('the build failed; nothing was started')
    expect(existsSync(join(folder, 'dist', 'ottla.js'))).to.equal(true)
  })
})
