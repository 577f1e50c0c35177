/**
 * Why a setting has no effect here. The setting's entry contains the reason. The settings page and DescribeConfigs
 * print it, and the start prints it if the setting has a value that matters.
 */
export interface WithoutEffect {
  /** Continues "without effect: ". */
  readonly because: string
  /** Whether the start warns if the setting differs from its default, because its user would miss the effect. */
  readonly warns: boolean
  /** Set if the setting may protect somebody. A value that does so ends the start. */
  readonly protection?: Protection
}

/** The protection that would be missing. */
export interface Protection {
  /** Whether a value protects; omitted: every value but the default does. */
  readonly by?: (value: unknown) => boolean
  /** What would happen without the protection. Continues "so ". */
  readonly lost: string
}

/** Nobody would miss the effect: no warning. */
function ignored(because: string): WithoutEffect {
  return { because, warns: false }
}

function missed(because: string): WithoutEffect {
  return { because, warns: true }
}

/** The same reason, for a setting that protects. A broker does not start with it. */
export function protecting(reason: WithoutEffect, lost: string, by?: (value: unknown) => boolean): WithoutEffect {
  return { ...reason, protection: by === undefined ? { lost } : { lost, by } }
}

export const oneLoop = ignored('one event loop does the work of Kafka’s threads')
/** The throttle of moves has no windows that it could be measured over. */
export const evenThrottle = ignored('the throttle is even, and needs no samples')
export const sharedData = ignored('the brokers of a process share one copy of the data')
export const oneProcess = ignored('the brokers of a process do not connect to each other')
export const ownController = ignored('the controller runs in the broker’s process')
export const ownSchedule = ignored('Ottla chooses this itself')
export const systemBuffers = ignored('the operating system sizes socket buffers')
export const nobodyAuthenticates = ignored('Ottla has no authentication yet')
export const noUnstable = ignored('Ottla has no unstable feature levels')
export const noStartLimit = ignored('a start has no time limit')
export const noProviders = ignored('Ottla has no config providers yet: a value that refers to one ends the start')
export const notInKafka4 = ignored('Kafka 4 has no such setting')
export const noMetrics = missed('Ottla offers no metrics yet')
export const noJava = missed('Ottla loads no Java classes')
export const noAuthorizer = missed('Ottla has no authorizer yet')
export const noTls = missed('Ottla has no TLS yet')
export const noSasl = missed('Ottla has no SASL yet')
export const noTokens = missed('Ottla has no delegation tokens yet')
export const noQuotas = ignored('Ottla has no such quotas yet')
export const noTiering = missed('Ottla has no tiered storage yet')
export const noShareGroups = missed('Ottla has no share groups yet')
export const noStreamsGroups = missed('Ottla has no streams groups yet')

/** Settings of Kafka's own authorizer. They have no entries. */
export const authorizerSettings: Readonly<Record<string, WithoutEffect>> = {
  'super.users': protecting(noAuthorizer, 'every client could do everything'),
  'allow.everyone.if.no.acl.found': protecting(
    noAuthorizer,
    'every client could do everything',
    (value) => String(value).toLowerCase() !== 'true',
  ),
}
