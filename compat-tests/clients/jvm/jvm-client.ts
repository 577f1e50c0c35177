import { join } from 'node:path'
import { kafkaClassPath } from '../../../scripts/kafka-tool.ts'
import { javaProgram } from '../../java-program.ts'

/** Argument list of Client.java with Apache Kafka's own client; append a verb and its arguments. */
export async function jvmClient(): Promise<string[]> {
  return javaProgram(join(import.meta.dirname, 'Client.java'), await kafkaClassPath('4.4.0'), '-Xmx256m')
}
