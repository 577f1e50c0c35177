import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { clientCache, INSTALL, installed, kazooPython } from '../client-cache.ts'
import { needs, type Requirement } from '../requirements.ts'
import { runCommandWell } from '../run-command.ts'
import { TestBroker } from '../test-broker.ts'
import { addressed, ottlaWithZooKeeper } from './two-brokers.ts'

const folder = join(import.meta.dirname, 'libraries')

/** How to run the program of a library. */
interface Library {
  readonly requirement?: Requirement
  command(): Promise<{ readonly command: readonly string[]; readonly env?: Record<string, string> }>
}

/** Both packages are of ZooKeeper's time; their native parts are optional. */
async function nodePackages(): Promise<string> {
  const home = await installed('zookeeper-node', async (home) => {
    writeFileSync(join(home, 'package.json'), '{"private":true}')
    const flags = ['--no-audit', '--no-fund', '--omit=optional', '--ignore-scripts']
    const packages = ['kafka-node@3.0.1', 'node-zookeeper-client@1.1.3']
    await runCommandWell(['npm', 'install', ...flags, ...packages], { ...INSTALL, cwd: home })
  })
  return join(home, 'node_modules')
}

function onNode(name: string): Library {
  return {
    command: async () => ({
      command: [process.execPath, '--no-deprecation', join(folder, name, 'client.cjs')],
      env: { NODE_PATH: await nodePackages() },
    }),
  }
}

const kazoo: Library = {
  requirement: 'python',
  command: async () => ({ command: [await kazooPython(), join(folder, 'kazoo', 'client.py')] }),
}

const goZooKeeper: Library = {
  requirement: 'go',
  command: async () => {
    const program = join(clientCache, 'go', 'go-zookeeper')
    mkdirSync(dirname(program), { recursive: true })
    await runCommandWell(['go', 'build', '-o', program, '.'], { ...INSTALL, cwd: join(folder, 'go-zookeeper') })
    return { command: [program] }
  },
}

const libraries: Readonly<Record<string, Library>> = {
  kazoo,
  'node-zookeeper-client': onNode('node-zookeeper-client'),
  'go-zookeeper': goZooKeeper,
}

describe('libraries that ask ZooKeeper', function () {
  this.timeout(300_000)
  let broker: TestBroker

  before(async () => {
    broker = await TestBroker.start({ program: ottlaWithZooKeeper })
  })
  after(() => broker?.dispose())

  async function linesOf(library: Library, topic: string): Promise<string[]> {
    const { command, env = {} } = await library.command()
    const { stdout } = await runCommandWell([...command, addressed(broker).zookeeper, topic], { env })
    return stdout.trim().split('\n')
  }

  for (const [name, library] of Object.entries(libraries))
    describe(name, () => {
      if (library.requirement !== undefined) needs(library.requirement)

      it('finds the broker, makes and changes nodes, and is told of a topic that it makes', async () => {
        const lines = await linesOf(library, `of-${name}`)
        expect(lines.slice(0, -1)).to.deep.equal([
          `brokers PLAINTEXT://${broker.bootstrap}`,
          'numbered 0,1',
          'refused',
          'together',
        ])
        expect(lines.at(-1)).to.match(/^topics /)
        expect(lines.at(-1)!.slice('topics '.length).split(',')).to.include(`of-${name}`)
      })
    })

  describe('kafka-node', () => {
    it('writes, reads as a member of a group, and stores its offsets', async () => {
      const values = Array.from({ length: 10 }, (_, index) => `value ${index}`)
      expect(await linesOf(onNode('kafka-node'), 'of-kafka-node')).to.deep.equal([
        'wrote {"of-kafka-node":{"0":0}}',
        `read ${values.join()}`,
        'committed {"of-kafka-node":{"partition":0,"errorCode":0}}',
      ])
    })
  })
})
