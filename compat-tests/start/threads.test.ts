import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import { projectDirectory } from '../broker-program.ts'
import { againstApacheKafka } from '../test-broker.ts'

const probe = join(import.meta.dirname, 'thread-probe.cjs')

/** How many file operations the process of that command does at a time. */
function threadsOf(args: readonly string[], environment: Readonly<Record<string, string>> = {}): string | undefined {
  const { UV_THREADPOOL_SIZE: _, ...others } = process.env
  const env = { ...others, NODE_OPTIONS: `--require ${probe}`, ...environment }
  const { stdout } = spawnSync(process.execPath, args, {
    cwd: projectDirectory,
    env,
    encoding: 'utf8',
    timeout: 30_000,
  })
  return /threads: (\d+)/.exec(stdout)?.[1]
}

describe('the threads for work on files', function () {
  this.timeout(120_000)
  before(function () {
    if (againstApacheKafka) this.skip() // Ottla's own behaviour
  })

  it('are eight in bin/ottla', () => {
    expect(threadsOf(['bin/ottla', '--version'])).to.equal('8')
  })

  it('are eight in npm start', () => {
    expect(threadsOf(['--require', './bin/threads.js', 'scripts/bootstrap.js', 'start', '--help'])).to.equal('8')
  })

  it('are as many as UV_THREADPOOL_SIZE says', () => {
    expect(threadsOf(['bin/ottla', '--version'], { UV_THREADPOOL_SIZE: '3' })).to.equal('3')
  })
})
