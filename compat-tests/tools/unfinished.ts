import { isOld, type ToolCase, type ToolFamily } from './tool-case.ts'

const BROKER = '--bootstrap-server BROKER'

const waiting: Readonly<Record<string, readonly string[]>> = {
  'ACLs come with security': [
    `kafka-acls ${BROKER} --list`,
    `kafka-acls ${BROKER} --add --allow-principal User:a --operation Read --topic t`,
    `kafka-acls ${BROKER} --remove --force --topic t`,
  ],
  'delegation tokens come with security': [
    `kafka-delegation-tokens ${BROKER} --command-config FILES/client.properties --describe`,
    `kafka-delegation-tokens ${BROKER} --command-config FILES/client.properties --create --max-life-time-period -1`,
  ],
}
const waitingNewer: Readonly<Record<string, readonly string[]>> = {
  'share groups are not finished': [
    `kafka-share-groups ${BROKER} --list`,
    `kafka-share-groups ${BROKER} --describe --group a`,
    `kafka-share-groups ${BROKER} --delete --group a`,
    `kafka-console-share-consumer ${BROKER} --topic l --timeout-ms 500`,
  ],
  'streams groups are not finished': [
    `kafka-streams-groups ${BROKER} --list`,
    `kafka-streams-groups ${BROKER} --describe --group a`,
    `kafka-streams-groups ${BROKER} --delete --group a`,
  ],
}

function cases(version: string): ToolCase[] {
  const all = { ...waiting, ...(isOld(version) ? {} : waitingNewer) }
  return Object.entries(all).flatMap(([endsOnly, commands]) => commands.map((command) => ({ command, endsOnly })))
}

/** Tools of features that come later: they end, with Kafka's error. */
export const unfinished: ToolFamily = { title: 'unfinished features', cases }
