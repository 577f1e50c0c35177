import { kafkaToolCommand } from '../../scripts/kafka-tool.ts'
import { runCommandWell } from '../run-command.ts'

/** Output of `kafka-dump-log.sh --cluster-metadata-decoder` for a segment or snapshot of the metadata log. */
export interface MetadataDump {
  readonly records: readonly { readonly type: string; readonly data: unknown }[]
  /** Lines that report something invalid. */
  readonly invalid: readonly string[]
}

export async function metadataDump(file: string): Promise<MetadataDump> {
  const args = ['--cluster-metadata-decoder', '--skip-record-metadata', '--files', file]
  const { stdout } = await runCommandWell(await kafkaToolCommand('4.4.0', 'kafka-dump-log', args))
  const lines = stdout.split('\n')
  return {
    records: lines.flatMap((line) => {
      const payload = /payload: (\{.*\})$/.exec(line)?.[1]
      return payload === undefined ? [] : [JSON.parse(payload) as { type: string; data: unknown }]
    }),
    invalid: lines.filter((line) => /isvalid: false|Could not decode|Skipping/.test(line)),
  }
}
