import { apis } from '../protocol/apis/index.ts'
import type { ApiSchema, VersionRange } from '../protocol/schema.ts'
import { handlers } from '../src/apis/index.ts'

/** docs/protocol.md: served APIs and their versions, from the schemas and the list of handlers. */
export function protocolPage(): string {
  const served = new Map<ApiSchema, VersionRange>(handlers.map((handler) => [handler.api, handler.versions]))
  const rows = apis.filter((api) => served.has(api)).map((api) => row(api, served.get(api) as VersionRange))
  const missing = apis.filter((api) => !served.has(api)).map((api) => api.name)
  return `${head}\n${rows.join('\n')}\n${missing.length === 0 ? '' : `\n${notServed}\n\n${missing.join(', ')}.\n`}`
}

const head = `# Protocol

Printed by \`npm run docs\` from the schemas in protocol/apis and the handlers in src/apis.

Ottla speaks Kafka's protocol in these apis and versions, and tells clients so in ApiVersions. *Known* are all versions
from Kafka 0.8 to 4.4, those that 4.x dropped among them; *flexible* those with compact lengths and tagged fields.

| key | api | served | known | flexible |
|---:|---|---|---|---|`

const notServed = `Known but not served, and not told in ApiVersions:`

function row(api: ApiSchema, served: VersionRange): string {
  return `| ${api.key} | ${api.name} | ${text(served)} | ${text(api.versions)} | ${text(api.flexible)} |`
}

function text({ oldest, newest }: VersionRange): string {
  if (newest < oldest) return 'none'
  if (newest === Number.POSITIVE_INFINITY) return `${oldest}+`
  return oldest === newest ? `${oldest}` : `${oldest}-${newest}`
}
