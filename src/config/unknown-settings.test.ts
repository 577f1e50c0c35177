import { expect } from 'chai'
import { warningAboutUnknown } from './unknown-settings.ts'

const said: [name: string, line: string | undefined][] = [
  [
    'retention.ms',
    'unknown setting retention.ms is ignored: it is a setting of a single topic; for all topics, set log.retention.ms',
  ],
  [
    'remote.storage.enable',
    'unknown setting remote.storage.enable is ignored: it is a setting of a single topic; set it with kafka-configs --entity-type topics',
  ],
  [
    'consumer.session.timeout.ms',
    'unknown setting consumer.session.timeout.ms is ignored: it is a setting of a single group; for all groups, set group.consumer.session.timeout.ms',
  ],
  ['num.partition', 'unknown setting num.partition is ignored: did you mean num.partitions?'],
  [
    'offsets.topic.replication.facotr',
    'unknown setting offsets.topic.replication.facotr is ignored: did you mean offsets.topic.replication.factor?',
  ],
  ['LOG_DIRS', 'unknown setting LOG_DIRS is ignored: did you mean log.dirs?'],
  ['logRetentionHours', 'unknown setting logRetentionHours is ignored: did you mean log.retention.hours?'],
  ['retention.hours', 'unknown setting retention.hours is ignored: did you mean log.retention.hours?'],
  ['my.own.plugin', 'unknown setting my.own.plugin is ignored'],
  ['rsm.config.bucket', undefined],
  ['super.users', undefined],
  ['zookeeper.connect', undefined],
  ['zookeeper.set.acl', 'setting zookeeper.set.acl is no longer in use: Ottla connects to no ZooKeeper'],
  ['zookeeper.other', 'setting zookeeper.other is no longer in use: Ottla connects to no ZooKeeper'],
]

describe('a setting that nobody knows', () => {
  for (const [name, line] of said)
    it(`${name}: ${line === undefined ? 'is a plug-in’s own' : 'gets a hint'}`, () => {
      expect(warningAboutUnknown(name)).to.equal(line)
    })
})
