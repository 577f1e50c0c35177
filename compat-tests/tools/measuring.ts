import { isOld, type ToolCase, type ToolFamily } from './tool-case.ts'

function cases(version: string): ToolCase[] {
  const old = isOld(version)
  const perf = old ? '--producer-props' : '--bootstrap-server BROKER --command-property'
  const server = old ? '--broker-list' : '--bootstrap-server'
  const measured = (command: string): ToolCase => ({ command, normalise: ['numbers', 'sorted', 'quietErrors'] })
  const verified = (command: string): ToolCase => ({
    command,
    normalise: ['fields', 'numbers', 'sorted', 'quietErrors'],
  })
  const producer = (args: string) =>
    measured(`kafka-producer-perf-test ${perf} ${old ? 'bootstrap.servers=BROKER' : 'linger.ms=0'} ${args}`)
  const consumer = (args: string) => measured(`kafka-consumer-perf-test --bootstrap-server BROKER ${args}`)
  const count = old ? '--messages' : '--num-records'
  return [
    measured('kafka-topics --bootstrap-server BROKER --create --topic measured'),
    producer('--topic measured --num-records 1000 --record-size 100 --throughput -1'),
    producer('--topic measured --num-records 10 --payload-file FILES/payload --throughput 1000'),
    producer('--topic measured --num-records 10 --throughput -1'),
    producer('--topic measured --record-size 10 --throughput -1'),
    producer('--topic measured --num-records 10 --record-size 10 --throughput -1 --print-metrics'),
    consumer(`--topic measured ${count} 1000`),
    consumer(`--topic measured ${count} 1000 --print-metrics --hide-header`),
    consumer(`--topic measured ${count} 5 --show-detailed-stats --reporting-interval 1`),
    consumer(`--topic measured`),
    consumer(`--topic no-such-topic ${count} 1 --timeout 500`),
    verified(`kafka-verifiable-producer ${server} BROKER --topic measured --max-messages 5`),
    verified(`kafka-verifiable-producer ${server} BROKER --topic measured --max-messages 5 --acks 1 --value-prefix 7`),
    verified(`kafka-verifiable-producer ${server} BROKER`),
    verified(
      `kafka-verifiable-consumer ${server} BROKER --topic measured --group-id verified --max-messages 5 --reset-policy earliest`,
    ),
    verified(`kafka-verifiable-consumer ${server} BROKER --topic measured`),
    ...(old
      ? [measured('kafka-e2e-latency BROKER measured 10 1 100')]
      : [
          measured(
            'kafka-e2e-latency --bootstrap-server BROKER --topic measured --num-records 10 --producer-acks 1 --record-size 100',
          ),
          measured(
            'kafka-e2e-latency --bootstrap-server BROKER --topic measured --num-records 10 --producer-acks 2 --record-size 100',
          ),
        ]),
  ]
}

/** kafka-producer-perf-test, kafka-consumer-perf-test, kafka-e2e-latency, kafka-verifiable-producer and -consumer. */
export const measuring: ToolFamily = { title: 'measuring', cases }
