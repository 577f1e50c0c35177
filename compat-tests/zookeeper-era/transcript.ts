import type { ToolRunner } from '../console-tools/tool-runner.ts'
import type { Addressed } from './two-brokers.ts'

/** One run of a tool: `{zookeeper}`, `{bootstrap}` and `{folder}` stand for the addresses and a folder with files. */
export interface Step {
  readonly tool: string
  readonly args: readonly string[]
  readonly input?: string
  /** Run again until the output matches: a real controller carries out after it has answered. */
  readonly until?: RegExp
}

/** What differs between two brokers or two runs although both are right. */
const VARIABLE: readonly (readonly [pattern: RegExp, by: string])[] = [
  // Where ZooKeeper and the broker listen.
  [/127\.0\.0\.1:\d+/g, 'ADDRESS'],
  [/"port":\d+/g, '"port":PORT'],
  // Ids and times that each server makes.
  [/"topic_id":"[\w-]{22}"/g, '"topic_id":"ID"'],
  [/TopicId: [\w-]{22}/g, 'TopicId: ID'],
  [/"timestamp":"\d+"/g, '"timestamp":"TIME"'],
  [/(salt|stored_key|server_key)=[\w+/=]+/g, '$1=RANDOM'],
  [/\b(c|m|p)Zxid = 0x[0-9a-f]+/g, '$1Zxid = ZXID'],
  [/0x[0-9a-f]{4,}/g, 'HEX'],
  [/\b(ctime|mtime) = .*/g, '$1 = TIME'],
  // Each broker has its own epoch.
  [/"controller_epoch":\d+/g, '"controller_epoch":EPOCH'],
  // Lines of the tools' logging, with times, threads and stacks.
  [/^\[?\d{4}-\d\d-\d\d.*$/gm, ''],
  [/^\s+at .*$/gm, ''],
  [/^(SLF4J|log4j|WARNING: (An illegal|Please|Use --illegal|All illegal)).*$/gm, ''],
  [/Java HotSpot.*$/gm, ''],
  // The shell prints events of its session whenever they come, after the answer or never.
  [/^(WATCHER::|WatchedEvent state:.*)$/gm, ''],
  // A thread of an old consumer goes on after its run, when its classes are closed (tool-runner.ts).
  [/^Exception in thread ".*_watcher_executor" java.lang.NoClassDefFoundError.*$/gm, ''],
  [/^(Caused by: java.lang.ClassNotFoundException|\t\.\.\. \d+ more).*$/gm, ''],
]

/** A run takes a tenth of a second or more. */
const MOST_TRIES = 50

/** Output and exit code of each step as text, with what may differ replaced. */
export async function transcriptOf(
  runner: ToolRunner,
  steps: readonly Step[],
  { bootstrap, zookeeper }: Addressed,
  folder: string,
): Promise<string[]> {
  const places = (text: string) =>
    text.replaceAll('{zookeeper}', zookeeper).replaceAll('{bootstrap}', bootstrap).replaceAll('{folder}', folder)
  const lines: string[] = []
  for (const { tool, args, input, until } of steps) {
    const run = () => runner.run(tool, args.map(places), input === undefined ? {} : { input })
    let result = await run()
    for (let tries = 1; until !== undefined && !until.test(result.stdout) && tries < MOST_TRIES; tries++)
      result = await run()
    const { code, stdout, stderr } = result
    lines.push(`$ ${tool} ${args.join(' ')}\n${normalised(stdout)}--- ${normalised(stderr)}=> ${code}`)
  }
  return lines
}

function normalised(text: string): string {
  const plain = VARIABLE.reduce((before, [pattern, by]) => before.replace(pattern, by), text)
  const lines = plain
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
  // ZooKeeper names children in no order, and so do tools that list entities.
  const entities = lines.filter((line) => line.startsWith('Configs for ')).sort()
  return `${lines.map((line) => (line.startsWith('Configs for ') ? entities.shift() : line)).join('\n')}\n`
}
