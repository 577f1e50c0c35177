import { brokerConfigChapters } from '../src/config/broker-configs.ts'
import { clientMetricsConfigs } from '../src/config/client-metrics-rules.ts'
import type { ConfigEntry, ConfigTable } from '../src/config/config-entry.ts'
import { documentationOf } from '../src/config/documentation.ts'
import { groupConfigs } from '../src/config/group-configs.ts'
import { topicConfigs } from '../src/config/topic-configs.ts'

/** docs/settings.md: every setting, from its entry. */
export function settingsPage(): string {
  const chapters = Object.entries(brokerConfigChapters as Readonly<Record<string, ConfigTable>>)
  const all = [topicConfigs, groupConfigs, ...chapters.map(([, table]) => table)].flatMap((table) => entriesOf(table))
  const different = all.filter(({ differs }) => differs !== undefined)
  return [
    head,
    table(
      ['setting', 'default here', 'why'],
      different.map((entry) => [code(entry.name), defaultOf(entry), entry.differs!]),
    ),
    ...section('Settings of a topic', perTopic, topicConfigs, 'where a topic does not set it'),
    ...section('Settings of a group', perGroup, groupConfigs, 'where a group does not set it'),
    ...section('Settings of a client metrics subscription', perSubscription, clientMetricsConfigs),
    '## Settings of a broker',
    broker,
    ...chapters.flatMap(([title, configs]) => section(title, undefined, configs, undefined, '###')),
  ]
    .join('\n\n')
    .concat('\n')
}

const head = `# Settings

Printed by \`npm run docs\` from the entries in src/config.

Settings have the names, types, defaults and limits of Apache Kafka 4.4. They are read from the \`server.properties\` given
to \`ottla start\`, and from \`--override name=value\`, which wins. An unknown setting causes a warning and is ignored, and
so does a setting that Kafka has removed; the warning names its replacement. If a value is invalid, the start fails with
one line that names it.

Some settings have no effect here. This page and DescribeConfigs mark them with *Without effect* and the reason. They are
accepted and shown to clients. If such a setting has a value whose effect its user would miss, the start warns. If it
would be a protection (an authorizer, a policy, client certificates, tiered storage), the start fails with one line:
remove the setting to start without that protection.

Three settings are Ottla's own, or those of an older Kafka:

| setting | default | what it does |
|---|---|---|
| \`num.brokers\` | \`1\` | Number of brokers in the process ([brokers.md](brokers.md)). With several, \`offsets.topic.replication.factor\` is 3 or their number by default. |
| \`broker.racks\` | | Rack of each broker, in order: \`a,b,c\`. Not together with \`broker.rack\`. |
| \`zookeeper.connect\` | | An address of this machine at which ZooKeeper's clients are served ([zookeeper.md](zookeeper.md)). |

## Defaults that differ from Kafka's`

const perTopic = 'Set with `kafka-topics --create --config` or `kafka-configs --entity-type topics`.'
const perGroup = 'Set with `kafka-configs --entity-type groups`.'
const perSubscription = 'Set with `kafka-client-metrics` or `kafka-configs --entity-type client-metrics`.'
const broker = `*Changed* says where a setting may be changed while the broker runs, with \`kafka-configs --entity-type brokers\`: for the
whole cluster, for one broker, or not at all (*at start*).

A dynamic value is not in force if it is invalid together with \`server.properties\` or with other dynamic values, which
can only happen at a start. One line names it, and the command that removes it; until then other changes may be refused,
as in Kafka, which ignores all dynamic settings of brokers in that case.`

function section(title: string, note: string | undefined, configs: ConfigTable, fallback?: string, level = '##') {
  const last = fallback === undefined ? 'changed' : `${fallback}`
  const rows = entriesOf(configs).map((entry) => [
    code(entry.name),
    entry.type,
    defaultOf(entry),
    limitsOf(entry),
    fallback === undefined ? changed[entry.applies] : entry.fallbacks.map(({ name }) => code(name)).join(', '),
    documentationOf(entry),
  ])
  const columns = ['setting', 'type', 'default', 'valid', last, 'what it does']
  return [`${level} ${title}`, ...(note === undefined ? [] : [note]), table(columns, rows)]
}

const changed: Readonly<Record<ConfigEntry['applies'], string>> = {
  'read-only': 'at start',
  'per-broker': 'per broker',
  'cluster-wide': 'cluster',
  'per-topic': 'per topic',
  'per-group': 'per group',
  'per-subscription': 'per subscription',
}

/** Internal settings are not documented, as in Kafka. */
function entriesOf(configs: ConfigTable): ConfigEntry[] {
  return Object.values(configs).filter(({ shown }) => shown !== 'never')
}

function defaultOf({ defaultText }: ConfigEntry): string {
  if (defaultText === null) return 'none'
  return defaultText === '' ? 'empty' : code(defaultText)
}

function limitsOf({ check }: ConfigEntry): string {
  return check === undefined ? '' : check.description
}

function code(text: string): string {
  return `\`${text}\``
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(columns), `|${'---|'.repeat(columns.length)}`, ...rows.map(line)].join('\n')
}
