import { between, listOf, oneOfAnyCase } from '../config-checks.ts'
import { boolean, className, double, int, list, long, password, short, string } from '../config-entry.ts'
import { noSasl } from '../without-effect.ts'

/** SASL. */
export const saslConfigs = {
  saslClientCallbackHandlerClass: className('sasl.client.callback.handler.class', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Java class of the client side’s callbacks.',
  }),
  saslEnabledMechanisms: list('sasl.enabled.mechanisms', {
    default: 'GSSAPI',
    check: listOf([]),
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'SASL mechanisms that are offered.',
  }),
  saslJaasConfig: password('sasl.jaas.config', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Login module and its options for a listener and mechanism.',
  }),
  saslKerberosKinitCmd: string('sasl.kerberos.kinit.cmd', {
    default: '/usr/bin/kinit',
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Path of kinit.',
  }),
  saslKerberosMinTimeBeforeRelogin: long('sasl.kerberos.min.time.before.relogin', {
    default: 60_000,
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Shortest time between two Kerberos logins, in milliseconds.',
  }),
  saslKerberosPrincipalToLocalRules: list('sasl.kerberos.principal.to.local.rules', {
    default: 'DEFAULT',
    check: listOf([]),
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Rules from Kerberos principals to short names.',
  }),
  saslKerberosServiceName: string('sasl.kerberos.service.name', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Kerberos name of the service.',
  }),
  saslKerberosTicketRenewJitter: double('sasl.kerberos.ticket.renew.jitter', {
    default: 0.05,
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Random share of the time before a ticket is renewed.',
  }),
  saslKerberosTicketRenewWindowFactor: double('sasl.kerberos.ticket.renew.window.factor', {
    default: 0.8,
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Share of a ticket’s lifetime after which it is renewed.',
  }),
  saslLoginCallbackHandlerClass: className('sasl.login.callback.handler.class', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Java class of the login’s callbacks.',
  }),
  saslLoginClass: className('sasl.login.class', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Java class of the login.',
  }),
  saslLoginConnectTimeoutMs: int('sasl.login.connect.timeout.ms', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Time allowed to connect to the identity provider, in milliseconds.',
  }),
  saslLoginReadTimeoutMs: int('sasl.login.read.timeout.ms', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Time allowed for the identity provider’s answer, in milliseconds.',
  }),
  saslLoginRefreshBufferSeconds: short('sasl.login.refresh.buffer.seconds', {
    default: 300,
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Seconds before a credential expires at which it is refreshed.',
  }),
  saslLoginRefreshMinPeriodSeconds: short('sasl.login.refresh.min.period.seconds', {
    default: 60,
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Shortest time before a credential is refreshed, in seconds.',
  }),
  saslLoginRefreshWindowFactor: double('sasl.login.refresh.window.factor', {
    default: 0.8,
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Share of a credential’s lifetime after which it is refreshed.',
  }),
  saslLoginRefreshWindowJitter: double('sasl.login.refresh.window.jitter', {
    default: 0.05,
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'Random share of that time.',
  }),
  saslLoginRetryBackoffMaxMs: long('sasl.login.retry.backoff.max.ms', {
    default: 10_000,
    withoutEffect: noSasl,
    doc: 'Longest pause between attempts at the identity provider, in milliseconds.',
  }),
  saslLoginRetryBackoffMs: long('sasl.login.retry.backoff.ms', {
    default: 100,
    withoutEffect: noSasl,
    doc: 'First pause between attempts at the identity provider, in milliseconds.',
  }),
  saslMechanismControllerProtocol: string('sasl.mechanism.controller.protocol', {
    default: 'GSSAPI',
    withoutEffect: noSasl,
    doc: 'SASL mechanism towards controllers.',
  }),
  saslMechanismInterBrokerProtocol: string('sasl.mechanism.inter.broker.protocol', {
    default: 'GSSAPI',
    applies: 'per-broker',
    withoutEffect: noSasl,
    doc: 'SASL mechanism between brokers.',
  }),
  saslOauthbearerAllowUnverifiedAudience: boolean('sasl.oauthbearer.allow.unverified.audience', {
    default: false,
    withoutEffect: noSasl,
    doc: 'Whether tokens with any audience are accepted.',
  }),
  saslOauthbearerAllowUnverifiedIssuer: boolean('sasl.oauthbearer.allow.unverified.issuer', {
    default: false,
    withoutEffect: noSasl,
    doc: 'Whether tokens of any issuer are accepted.',
  }),
  saslOauthbearerAssertionAlgorithm: string('sasl.oauthbearer.assertion.algorithm', {
    default: 'RS256',
    check: oneOfAnyCase('ES256', 'RS256'),
    withoutEffect: noSasl,
    doc: 'Algorithm that assertions are signed with.',
  }),
  saslOauthbearerAssertionClaimAud: string('sasl.oauthbearer.assertion.claim.aud', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Audience of assertions.',
  }),
  saslOauthbearerAssertionClaimExpSeconds: int('sasl.oauthbearer.assertion.claim.exp.seconds', {
    default: 300,
    check: between(0, 86_400),
    withoutEffect: noSasl,
    doc: 'Seconds after which an assertion expires.',
  }),
  saslOauthbearerAssertionClaimIss: string('sasl.oauthbearer.assertion.claim.iss', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Issuer of assertions.',
  }),
  saslOauthbearerAssertionClaimJtiInclude: boolean('sasl.oauthbearer.assertion.claim.jti.include', {
    default: false,
    withoutEffect: noSasl,
    doc: 'Whether assertions carry an id of their own.',
  }),
  saslOauthbearerAssertionClaimNbfSeconds: int('sasl.oauthbearer.assertion.claim.nbf.seconds', {
    default: 60,
    check: between(0, 3600),
    withoutEffect: noSasl,
    doc: 'Seconds before now from which an assertion is valid.',
  }),
  saslOauthbearerAssertionClaimSub: string('sasl.oauthbearer.assertion.claim.sub', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Subject of assertions.',
  }),
  saslOauthbearerAssertionFile: string('sasl.oauthbearer.assertion.file', {
    default: null,
    withoutEffect: noSasl,
    doc: 'File with a ready assertion.',
  }),
  saslOauthbearerAssertionPrivateKeyFile: string('sasl.oauthbearer.assertion.private.key.file', {
    default: null,
    withoutEffect: noSasl,
    doc: 'File with the key that assertions are signed with.',
  }),
  saslOauthbearerAssertionPrivateKeyPassphrase: password('sasl.oauthbearer.assertion.private.key.passphrase', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Passphrase of that key.',
  }),
  saslOauthbearerAssertionTemplateFile: string('sasl.oauthbearer.assertion.template.file', {
    default: null,
    withoutEffect: noSasl,
    doc: 'File with further headers and claims of assertions.',
  }),
  saslOauthbearerClientCredentialsClientId: string('sasl.oauthbearer.client.credentials.client.id', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Client id of the client-credentials grant.',
  }),
  saslOauthbearerClientCredentialsClientSecret: password('sasl.oauthbearer.client.credentials.client.secret', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Client secret of the client-credentials grant.',
  }),
  saslOauthbearerClockSkewSeconds: int('sasl.oauthbearer.clock.skew.seconds', {
    default: 30,
    withoutEffect: noSasl,
    doc: 'Seconds by which clocks of issuer and broker may differ.',
  }),
  saslOauthbearerExpectedAudience: list('sasl.oauthbearer.expected.audience', {
    default: '',
    check: listOf([]),
    withoutEffect: noSasl,
    doc: 'Audiences that tokens must be for.',
  }),
  saslOauthbearerExpectedIssuer: string('sasl.oauthbearer.expected.issuer', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Issuer that tokens must be from.',
  }),
  saslOauthbearerJwksEndpointRefreshMs: long('sasl.oauthbearer.jwks.endpoint.refresh.ms', {
    default: 3_600_000,
    withoutEffect: noSasl,
    doc: 'How often the issuer’s keys are read again, in milliseconds.',
  }),
  saslOauthbearerJwksEndpointRetryBackoffMaxMs: long('sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms', {
    default: 10_000,
    withoutEffect: noSasl,
    doc: 'Longest pause between attempts to read them, in milliseconds.',
  }),
  saslOauthbearerJwksEndpointRetryBackoffMs: long('sasl.oauthbearer.jwks.endpoint.retry.backoff.ms', {
    default: 100,
    withoutEffect: noSasl,
    doc: 'First pause between attempts to read them, in milliseconds.',
  }),
  saslOauthbearerJwksEndpointUrl: string('sasl.oauthbearer.jwks.endpoint.url', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Where the issuer’s keys are read.',
  }),
  saslOauthbearerJwtRetrieverClass: className('sasl.oauthbearer.jwt.retriever.class', {
    default: 'org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever',
    withoutEffect: noSasl,
    doc: 'Java class that gets tokens.',
  }),
  saslOauthbearerJwtValidatorClass: className('sasl.oauthbearer.jwt.validator.class', {
    default: 'org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator',
    withoutEffect: noSasl,
    doc: 'Java class that checks tokens.',
  }),
  saslOauthbearerScope: string('sasl.oauthbearer.scope', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Scope that is asked for.',
  }),
  saslOauthbearerScopeClaimName: string('sasl.oauthbearer.scope.claim.name', {
    default: 'scope',
    withoutEffect: noSasl,
    doc: 'Claim that holds the scope.',
  }),
  saslOauthbearerSubClaimName: string('sasl.oauthbearer.sub.claim.name', {
    default: 'sub',
    withoutEffect: noSasl,
    doc: 'Claim that holds the subject.',
  }),
  saslOauthbearerTokenEndpointUrl: string('sasl.oauthbearer.token.endpoint.url', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Where tokens are got.',
  }),
  saslServerCallbackHandlerClass: className('sasl.server.callback.handler.class', {
    default: null,
    withoutEffect: noSasl,
    doc: 'Java class of the server side’s callbacks.',
  }),
  saslServerMaxReceiveSize: int('sasl.server.max.receive.size', {
    default: 524_288,
    withoutEffect: noSasl,
    doc: 'Largest message during authentication, in bytes.',
  }),
} as const
