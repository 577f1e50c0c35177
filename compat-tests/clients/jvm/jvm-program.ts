import { join } from 'node:path'
import { kafkaClassPath } from '../../../scripts/kafka-tool.ts'
import { mavenJars } from '../../../scripts/maven-jars.ts'
import { javaProgram } from '../../java-program.ts'

/** Argument list of a program of this folder with that version of Apache Kafka's own client; append its arguments. */
export async function jvmProgram(file: string, version: string): Promise<string[]> {
  return javaProgram(join(import.meta.dirname, file), await classPathOf(version), '-Xmx256m')
}

/** Old versions need the client's own jar only. */
async function classPathOf(version: string): Promise<string> {
  if (version === '4.4.0') return kafkaClassPath(version)
  const artifact = { group: 'org.apache.kafka', name: 'kafka-clients', version }
  return join(await mavenJars(`clients-${version}`, [artifact]), '*')
}
