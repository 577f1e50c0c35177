import { jvmProgram } from './jvm-program.ts'

/** Argument list of Client.java with Apache Kafka's own client; append a verb and its arguments. */
export function jvmClient(): Promise<string[]> {
  return jvmProgram('Client.java', '4.4.0')
}
