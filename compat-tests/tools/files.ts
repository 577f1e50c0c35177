/** Files that cases name, by their names in the folder FILES. */
export const files: Readonly<Record<string, string>> = {
  'topic.properties': 'retention.bytes=1000\nflush.messages=5\n',
  'client.properties': 'security.protocol=PLAINTEXT\n',
  'quick.properties': 'request.timeout.ms=2000\ndefault.api.timeout.ms=3000\n',
  payload: 'alpha\nbeta\n',
  'bad.json': '{ "version": 1, "partitions": [',
  'some.json': '{"partitions": [{"topic": "made-by-producer", "partition": 0, "offset": 1}], "version": 1}',
  'beyond.json': '{"partitions": [{"topic": "made-by-producer", "partition": 0, "offset": 99}], "version": 1}',
  'unknown.json': '{"partitions": [{"topic": "no-such-topic", "partition": 0, "offset": 1}], "version": 1}',
  'election.json': '{"partitions": [{"topic": "l", "partition": 1}]}',
  'move.json': '{"topics": [{"topic": "l"}], "version": 1}',
  'reassign.json':
    '{"version": 1, "partitions": [{"topic": "l", "partition": 0, "replicas": [1]}, {"topic": "l", "partition": 1, "replicas": [1]}]}',
  'reassign-away.json': '{"version": 1, "partitions": [{"topic": "l", "partition": 0, "replicas": [2]}]}',
  'reassign-unknown.json':
    '{"version": 1, "partitions": [{"topic": "no-such-topic", "partition": 0, "replicas": [1]}]}',
}
