import { listOf, oneOf } from '../config-checks.ts'
import { boolean, className, list, password, string } from '../config-entry.ts'
import { noTls, protecting } from '../without-effect.ts'

/** TLS. */
export const sslConfigs = {
  sslAllowDnChanges: boolean('ssl.allow.dn.changes', {
    default: false,
    withoutEffect: noTls,
    doc: 'Whether a new certificate may have another distinguished name.',
  }),
  sslAllowSanChanges: boolean('ssl.allow.san.changes', {
    default: false,
    withoutEffect: noTls,
    doc: 'Whether a new certificate may drop alternative names.',
  }),
  sslCipherSuites: list('ssl.cipher.suites', {
    default: '',
    check: listOf([]),
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Cipher suites that are offered; empty: the library’s defaults.',
  }),
  sslClientAuth: string('ssl.client.auth', {
    default: 'none',
    check: oneOf('required', 'requested', 'none'),
    applies: 'per-broker',
    withoutEffect: protecting(noTls, 'clients without a certificate would be let in', (value) => value === 'required'),
    doc: 'Whether clients need a certificate: `required`, `requested`, `none`.',
  }),
  sslEnabledProtocols: list('ssl.enabled.protocols', {
    default: 'TLSv1.2,TLSv1.3',
    check: listOf([]),
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Versions of TLS that are offered.',
  }),
  sslEndpointIdentificationAlgorithm: string('ssl.endpoint.identification.algorithm', {
    default: 'https',
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'How the name in a server’s certificate is checked; empty: not at all.',
  }),
  sslEngineFactoryClass: className('ssl.engine.factory.class', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Java class that makes TLS engines.',
  }),
  sslKeyPassword: password('ssl.key.password', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Password of the private key.',
  }),
  sslKeymanagerAlgorithm: string('ssl.keymanager.algorithm', {
    default: 'SunX509',
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Algorithm of Java’s key manager.',
  }),
  sslKeystoreCertificateChain: password('ssl.keystore.certificate.chain', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Certificate chain as PEM.',
  }),
  sslKeystoreKey: password('ssl.keystore.key', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Private key as PEM.',
  }),
  sslKeystoreLocation: string('ssl.keystore.location', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'File with key and certificate chain.',
  }),
  sslKeystorePassword: password('ssl.keystore.password', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Password of that file.',
  }),
  sslKeystoreType: string('ssl.keystore.type', {
    default: 'JKS',
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Format of that file: JKS, PKCS12 or PEM.',
  }),
  sslPrincipalMappingRules: string('ssl.principal.mapping.rules', {
    default: 'DEFAULT',
    withoutEffect: noTls,
    doc: 'Rules from distinguished names to principals.',
  }),
  sslProtocol: string('ssl.protocol', {
    default: 'TLSv1.3',
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Version of TLS that is preferred.',
  }),
  sslProvider: string('ssl.provider', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Java security provider for TLS.',
  }),
  sslSecureRandomImplementation: string('ssl.secure.random.implementation', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Java’s source of randomness.',
  }),
  sslTrustmanagerAlgorithm: string('ssl.trustmanager.algorithm', {
    default: 'PKIX',
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Algorithm of Java’s trust manager.',
  }),
  sslTruststoreCertificates: password('ssl.truststore.certificates', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Trusted certificates as PEM.',
  }),
  sslTruststoreLocation: string('ssl.truststore.location', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'File with trusted certificates.',
  }),
  sslTruststorePassword: password('ssl.truststore.password', {
    default: null,
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Password of that file.',
  }),
  sslTruststoreType: string('ssl.truststore.type', {
    default: 'JKS',
    applies: 'per-broker',
    withoutEffect: noTls,
    doc: 'Format of that file: JKS, PKCS12 or PEM.',
  }),
} as const
