import { atLeast } from '../config-checks.ts'
import { className, long, password, string } from '../config-entry.ts'
import { noAuthorizer, noJava, noTokens, protecting } from '../without-effect.ts'

/** Authorization and delegation tokens. */
export const securityConfigs = {
  authorizerClassName: string('authorizer.class.name', {
    default: '',
    withoutEffect: protecting(noAuthorizer, 'every client could do everything'),
    doc: 'Java class that authorises requests; empty: everybody may do everything.',
  }),
  delegationTokenExpiryCheckIntervalMs: long('delegation.token.expiry.check.interval.ms', {
    default: 3_600_000,
    check: atLeast(1),
    withoutEffect: noTokens,
    doc: 'How often expired tokens are looked for, in milliseconds.',
  }),
  delegationTokenExpiryTimeMs: long('delegation.token.expiry.time.ms', {
    default: 86_400_000,
    check: atLeast(1),
    withoutEffect: noTokens,
    doc: 'How long a token is valid before it must be renewed, in milliseconds.',
  }),
  delegationTokenMaxLifetimeMs: long('delegation.token.max.lifetime.ms', {
    default: 604_800_000,
    check: atLeast(1),
    withoutEffect: noTokens,
    doc: 'How long a token can be renewed at all, in milliseconds.',
  }),
  delegationTokenSecretKey: password('delegation.token.secret.key', {
    default: null,
    withoutEffect: noTokens,
    doc: 'Secret that tokens are signed with; unset: no tokens.',
  }),
  principalBuilderClass: className('principal.builder.class', {
    default: 'org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder',
    applies: 'per-broker',
    withoutEffect: noJava,
    doc: 'Java class that names the principal of a connection.',
  }),
  securityProviders: string('security.providers', {
    default: null,
    withoutEffect: noJava,
    doc: 'Java security providers.',
  }),
} as const
