import { isOld, type ToolFamily } from './tool-case.ts'

const metrics = [
  ...['--list', '--describe', '--describe --name none', '--delete --name none', '', '--alter', '--describe --list'],
  '--alter --name slow --metrics org.apache.kafka.producer. --interval 60000',
  '--alter --name narrow --metrics org.apache.kafka.consumer. --match client_software_name=x --interval 1000',
  '--alter --name bad --interval 1',
  '--alter --name bad --match nonsense=x',
  ...['--list', '--describe', '--describe --name slow', '--delete --name slow', '--describe --name slow', '--list'],
].map((args) => `kafka-client-metrics --bootstrap-server BROKER ${args}`)

const byConfigs = [
  '--entity-type client-metrics --entity-name narrow --describe',
  '--entity-type client-metrics --alter --entity-name narrow --add-config no.such.setting=1',
  '--entity-type client-metrics --alter --entity-name narrow --delete-config interval.ms',
  '--entity-type client-metrics --describe',
].map((args) => `kafka-configs --bootstrap-server BROKER ${args}`)

/** kafka-client-metrics, and kafka-configs for the same subscriptions (KIP-714). */
export const clientMetrics: ToolFamily = {
  title: 'client metrics',
  cases: (version) =>
    isOld(version) ? [] : [...metrics, ...byConfigs].map((command) => ({ command, normalise: ['sorted'] })),
}
