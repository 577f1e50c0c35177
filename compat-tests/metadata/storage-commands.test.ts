import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { javaBucket } from '../../src/coordinator/java-hash.ts'
import { ottlaCommand } from '../broker-program.ts'
import { ToolRunner } from '../console-tools/tool-runner.ts'
import { needs } from '../requirements.ts'
import { type CommandResult, runCommand } from '../run-command.ts'

const one = [
  'process.roles=broker,controller',
  'node.id=1',
  'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
  'controller.listener.names=CONTROLLER',
]
const files: Readonly<Record<string, (directory: string) => readonly string[]>> = {
  'static.properties': (at) => [...one, `log.dirs=${at}/a,${at}/b`, 'controller.quorum.voters=1@127.0.0.1:9093'],
  'dynamic.properties': (at) => [
    ...one,
    `log.dirs=${at}/a,${at}/b`,
    `metadata.log.dir=${at}/b`,
    'controller.quorum.bootstrap.servers=127.0.0.1:9093',
  ],
  'file.properties': (at) => [...one, `log.dirs=${at}/file`, 'controller.quorum.voters=1@127.0.0.1:9093'],
  'old.properties': (at) => [...one, `log.dirs=${at}/old`, 'controller.quorum.voters=1@127.0.0.1:9093'],
}

const inStatic = ['-t', 'cluster-one', '-c', 'static.properties']
const inDynamic = ['-t', 'cluster-one', '-c', 'dynamic.properties']
const scram = (text: string) => ['format', ...inStatic, '-S', text]
const feature = (...levels: string[]) => ['format', ...inStatic, ...levels.flatMap((each) => ['-f', each])]
const voters = (text: string) => ['format', ...inDynamic, '-I', text]

/** Command lines that follow each other on the same directories. */
const sequences: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'format, again, and info': [
    ['info', '-c', 'static.properties'],
    ['format', ...inStatic],
    ['info', '-c', 'static.properties'],
    ['format', ...inStatic],
    ['format', ...inStatic, '-g'],
    ['format', '-t', 'cluster-two', '-c', 'static.properties', '-g'],
  ],
  'format with users': [
    scram('SCRAM-SHA-512=[name=a,password=p,salt=YWJj]'),
    ['format', ...inStatic, '-g', '-S', 'SCRAM-SHA-256=[name=a]'],
  ],
  'format with features': [feature('share.version=1', 'share.version=0', 'kraft.version=0')],
  'format of a release': [['format', ...inStatic, '-r', '4.0.1']],
  'format with a level of metadata.version': [feature('metadata.version=20')],
  'format of a quorum of its own': [
    ['format', ...inDynamic],
    ['format', ...inDynamic, '--standalone'],
    ['info', '-c', 'dynamic.properties'],
  ],
  'format with a voter': [voters('1@localhost:9093:JEXY6aqzQY-32P5TStzaFg'), ['info', '-c', 'dynamic.properties']],
  'directories that are none': [
    ['info', '-c', 'file.properties'],
    ['info', '-c', 'old.properties'],
    ['format', '-t', 'x', '-c', 'old.properties'],
    ['format', '-t', 'x', '-c', 'old.properties', '-g'],
  ],
  'refused features': [
    feature('x=1'),
    feature('group.version'),
    feature('group.version=a'),
    feature('group.version=7'),
    feature('metadata.version=99'),
    feature('metadata.version=34'),
    feature('kraft.version=1'),
    ['format', ...inStatic, '-r', '4.0', '-f', 'metadata.version=22'],
    ['format', ...inStatic, '-r', '3.5', '-f', 'eligible.leader.replicas.version=1'],
    ['format', ...inStatic, '-r', '3.2'],
    ['format', ...inStatic, '-r', '4.5-IV0'],
    ['format', ...inStatic, '-r', '3.4', '-S', 'SCRAM-SHA-256=[name=a,password=b]'],
    ['format', ...inStatic, '-s'],
    ['format', ...inDynamic, '-s', '-f', 'kraft.version=0'],
  ],
  'refused users': [
    scram('SCRAM-SHA-256'),
    scram('SCRAM-SHA-1=[name=a]'),
    scram('SCRAM-SHA-256=name=a'),
    scram('SCRAM-SHA-256=[name=a'),
    scram('SCRAM-SHA-256=[]'),
    scram('SCRAM-SHA-256=[name=a]'),
    scram('SCRAM-SHA-256=[password=a]'),
    scram('SCRAM-SHA-256=[name=a,saltedpassword=YCE=]'),
    scram('SCRAM-SHA-256=[name=a,password=b,salt=!]'),
    scram('SCRAM-SHA-256=[name=a,password=b,iterations=1]'),
    scram('SCRAM-SHA-256=[name=a,password=b,iterations=16385]'),
    scram('SCRAM-SHA-256=[name=a,password=b,iterations=x]'),
    scram('SCRAM-SHA-256=[name=a,password=b,foo=x,bar=1]'),
  ],
  'refused voters': [
    voters('x'),
    voters('1@localhost:9093'),
    voters('a@localhost:1:JEXY6aqzQY-32P5TStzaFg'),
    voters('1@localhost:x:JEXY6aqzQY-32P5TStzaFg'),
    voters('1@localhost:99999:JEXY6aqzQY-32P5TStzaFg'),
    voters('1@localhost:1:J'),
    voters('1@localhost:1:JEXY6aqzQY-32P5TStzaFg,1@localhost:1:JEXY6aqzQY-32P5TStzaFg'),
  ],
  'feature levels': [
    ['version-mapping'],
    ...['3.3', '3.9', '4.0-IV1', '4.1', '4.2', '4.3.1', '4.5-IV0', '4.5', 'x'].map((each) => [
      'version-mapping',
      '-r',
      each,
    ]),
    ['feature-dependencies', '-f', 'eligible.leader.replicas.version=1', '-f', 'share.version=2', '-f', 'x=1'],
    ...['metadata.version=33', 'metadata.version=6', 'group.version=7', 'group.version', 'group.version=a'].map(
      (each) => ['feature-dependencies', '-f', each],
    ),
    ['random-uuid'],
  ],
}

/** Command lines that both refuse in their own words: Kafka's argument parser prints its usage, or Java a stack. */
const inOwnWords: readonly (readonly string[])[] = [
  ['format', '-c', 'static.properties'],
  ['format', '-t', 'cluster-one'],
  ['format', '-t', 'cluster-one', '-c', 'missing.properties'],
  ['format', ...inDynamic, '-s', '-N'],
  ['info'],
  ['feature-dependencies'],
  ['random-uuid', '-x'],
  scram('SCRAM-SHA-256=[name=a,password=]'),
]

/** Directory with the files above, whose name differs between both sides. */
function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'ottla-format-'))
  // Kafka has a and b in a hash map, and names the first one of those that are at fault: it must be a.
  if (javaBucket(`${directory}/a`) > javaBucket(`${directory}/b`)) {
    rmSync(directory, { recursive: true })
    return newDirectory()
  }
  for (const [name, lines] of Object.entries(files)) writeFileSync(join(directory, name), lines(directory).join('\n'))
  writeFileSync(join(directory, 'file'), '')
  mkdirSync(join(directory, 'old'))
  writeFileSync(join(directory, 'old', 'meta.properties'), 'version=0\nbroker.id=1\n')
  return directory
}

/** Both print the same but for paths, random values, keys, stacks, and the order in which Java's map has directories. */
function normalised({ code, stdout, stderr }: CommandResult, directory: string) {
  const text = (printed: string) =>
    printed
      .replaceAll(directory, 'DIRECTORY')
      .replaceAll(/directory\.id=[\w-]{22}/g, 'directory.id=ID')
      .replaceAll(/(salt|storedKey|serverKey)=\[[^\]]*\]/g, '$1=[]')
      .replaceAll(/^[\w-]{22}$/gm, 'UUID')
      // Of those that are, Kafka names the first in a hash set, whose order follows from the name of the folder.
      .replace(/(?<=Log directory DIRECTORY\/)[ab](?= is already formatted)/, 'ONE')
  const lines = text(stdout).split('\n')
  const formatting = lines.filter((line) => line.startsWith('Formatting ')).sort()
  const message = text(stderr).replace(/^(java|org)\.[\w.]+: /, '')
  return {
    code,
    stdout: lines.map((line) => (line.startsWith('Formatting ') ? formatting.shift() : line)),
    message: message.split('\n')[0],
  }
}

describe('storage commands, next to those of kafka-storage', function () {
  this.timeout(180_000)
  needs('java', 'maven')
  let runner: ToolRunner
  const directories: string[] = []
  before(async () => {
    runner = await ToolRunner.start('4.4.0')
    // If the build is stale, the first command says that it builds.
    await runCommand(ottlaCommand('--version'), { timeoutMs: 120_000 })
  })
  after(async () => {
    await runner.close()
    for (const directory of directories) rmSync(directory, { recursive: true })
  })

  function newSide(run: (args: readonly string[]) => Promise<CommandResult>) {
    const directory = newDirectory()
    directories.push(directory)
    const placed = (args: readonly string[]) =>
      args.map((each) => (each.endsWith('.properties') ? join(directory, each) : each))
    return async (args: readonly string[]) => normalised(await run(placed(args)), directory)
  }

  const newSides = () => ({
    kafka: newSide((args) => runner.run('kafka-storage', args)),
    ottla: newSide((args) => runCommand(ottlaCommand(...args))),
  })

  for (const [name, commands] of Object.entries(sequences))
    it(`${name}: the same lines and exit codes`, async () => {
      const { kafka, ottla } = newSides()
      for (const args of commands) {
        const expected = await kafka(args)
        const actual = await ottla(args)
        // Ottla's line goes on with what to do about another cluster's directory.
        const message = args.includes('cluster-two') ? actual.message?.split(': use')[0] : actual.message
        expect({ ...actual, message }, args.join(' ')).to.deep.equal(expected)
      }
    })

  it('what both refuse in their own words ends with the same exit code', async () => {
    const { kafka, ottla } = newSides()
    for (const args of inOwnWords) {
      const [theirs, ours] = [await kafka(args), await ottla(args)]
      expect(ours.code, args.join(' ')).to.equal(theirs.code).and.equal(1)
      expect(ours.message, args.join(' ')).to.not.equal('')
    }
  })
})
