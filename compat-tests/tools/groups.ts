import { PATIENT_PRODUCER } from '../console-tools/stock-tools.ts'
import { isOld, type ToolCase, type ToolFamily } from './tool-case.ts'

const consume = 'kafka-console-consumer --bootstrap-server BROKER --topic g --from-beginning'

const asking = [
  '--list',
  '--list --state',
  '--describe --group empty',
  '--describe --group empty --members',
  '--describe --group none',
].concat('--describe --group empty --state', '--describe --all-groups', '', '--describe', '--list --describe')

const changing = [
  '--reset-offsets --group empty --topic g --to-earliest',
  '--reset-offsets --group empty --topic g --to-earliest --execute',
  '--reset-offsets --group empty --topic g --to-latest --export --dry-run',
  '--reset-offsets --group empty --topic g',
  '--delete-offsets --group empty --topic no-such-topic',
  '--delete-offsets --group empty --topic g',
  '--delete --group empty',
  '--delete --group empty',
]

const sorted = (command: string): ToolCase => ({ command, normalise: ['sorted'] })

function resetting(version: string): ToolCase[] {
  const server = isOld(version) ? '--bootstrap-servers' : '--bootstrap-server'
  const reset = (args: string): ToolCase => ({
    command: `kafka-streams-application-reset ${server} BROKER ${args}`,
    normalise: ['sorted'],
  })
  return [
    reset('--application-id app --input-topics g'),
    reset('--application-id app --input-topics no-such-topic'),
    reset('--application-id app --input-topics g --dry-run'),
    reset('--application-id app --input-topics g --to-offset 0'),
    reset('--application-id app --input-topics g --to-offset 1 --to-latest'),
    reset('--application-id app'),
    reset(''),
  ]
}

/** Group tools on an empty group; compat-tests/groups/tools-side-by-side.test.ts has those with members. */
export const groups: ToolFamily = {
  title: 'groups',
  cases: (version) => [
    'kafka-topics --bootstrap-server BROKER --create --topic g',
    {
      command: `kafka-console-producer --bootstrap-server BROKER ${PATIENT_PRODUCER.join(' ')} --topic g`,
      input: '1\n2\n3\n',
    },
    { command: `${consume} --group empty --max-messages 2`, normalise: ['sorted'] },
    ...asking.map((args) => sorted(`kafka-consumer-groups --bootstrap-server BROKER ${args}`)),
    ...(isOld(version)
      ? []
      : ['--list', '--list --consumer', '--list --group-type nonsense', ''].map((args) =>
          sorted(`kafka-groups --bootstrap-server BROKER ${args}`),
        )),
    ...changing.map((args) => `kafka-consumer-groups --bootstrap-server BROKER ${args}`),
    ...resetting(version),
  ],
}
