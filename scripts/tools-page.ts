import { families, versions } from '../compat-tests/tools/families.ts'
import { type ToolCase, toolCase, words } from '../compat-tests/tools/tool-case.ts'

/** docs/tools.md: how many runs of each stock tool are compared with Apache Kafka, from the cases in compat-tests/tools. */
export function toolsPage(): string {
  const all = new Map(versions.map((version) => [version, casesOf(version)]))
  const names = new Set([...all.values()].flatMap((cases) => cases.filter((each) => !each.endsOnly).map(toolOf)))
  const rows = [...names].sort().map((tool) => {
    const counts = versions.map(
      (version) => all.get(version)!.filter((each) => toolOf(each) === tool && !each.endsOnly).length,
    )
    return `| ${tool} | ${counts.map((count) => (count === 0 ? '' : count)).join(' | ')} |`
  })
  const newest = all.get(versions[0]!)!
  return `${head}\n${rows.join('\n')}\n\n${different(newest)}\n\n${later(newest)}\n\n${elsewhere}\n`
}

const head = `# Stock tools

Printed by \`npm run docs\` from the cases in compat-tests/tools.

Each tool runs at Apache Kafka 4.4.0 and at Ottla, both started with the same \`server.properties\`, with good and with
bad arguments. Its output and its exit code must be equal. What any two brokers print differently (random ids, times,
ports, measurements) is replaced before; [normalise.ts](../compat-tests/tools/normalise.ts) names it. The numbers are
runs that are compared.

| tool | ${versions.join(' | ')} |
|---|${versions.map(() => '---:').join('|')}|`

function casesOf(version: string): ToolCase[] {
  return families.flatMap((family) => family.cases(version)).map(toolCase)
}

function toolOf({ command }: ToolCase): string {
  return words(command)[0]!
}

function different(cases: readonly ToolCase[]): string {
  const known = cases.filter((each) => each.differs !== undefined)
  return ['Answers that differ:', '', ...known.map(({ command, differs }) => `- \`${command}\`: ${differs}.`)].join(
    '\n',
  )
}

function later(cases: readonly ToolCase[]): string {
  const reasons = new Map<string, Set<string>>()
  for (const each of cases)
    if (each.endsOnly !== undefined)
      reasons.set(each.endsOnly, (reasons.get(each.endsOnly) ?? new Set()).add(toolOf(each)))
  const lines = [...reasons].map(([reason, tools]) => `- ${[...tools].join(', ')}: ${reason}.`)
  return ['Tools of features to come end with an error, and none hangs:', '', ...lines].join('\n')
}

const elsewhere = `Tested by themselves:

- connect-standalone and connect-distributed of 4.3.1 and 2.8.2 with the file connectors, their restarts and offsets: same
  answers of the REST interface at Apache Kafka and at Ottla, good and bad requests alike
- connect-mirror-maker of 4.3.1 and kafka-mirror-maker of 2.8.2 between two Ottlas, offsets of groups translated
  (Maven has connect-file, connect-mirror, kafka-shell and trogdor of 4.3.1, but not of 4.4.0)
- kafka-metadata-shell of 4.3.1 on the metadata log of Ottla and on that of Apache Kafka 4.4.0, both at metadata.version
  4.3-IV0: same output
- kafka-replica-verification of 4.4.0 and 2.8.2, which runs until it is stopped: same report (the table has the runs that
  end by themselves)
- trogdor of 4.3.1: agent, coordinator and client; what it produces and consumes at Ottla
- connect-plugin-path of 4.3.1, which needs no broker, in compat-tests/start
- the tools with \`--zookeeper\`, in compat-tests/zookeeper-era
- kafka-consumer-groups, kafka-groups and kafka-configs on groups with members, in compat-tests/groups
- kafka-transactions of 3.9.1 and 3.0.2, the same runs as those of 4.3.1 where they know the options
- kafka-dump-log on every kind of file that Ottla writes, in compat-tests/storage and compat-tests/metadata
- the console, perf and group tools of seven versions from 0.9 on, in compat-tests/console-tools

Out of reach: kafka-jmx reads a JVM's metrics, and Ottla has no JVM.`
