/** Files that tools read, by their names in the folder FILES. */
export const files: Readonly<Record<string, string>> = {
  'quick.properties': 'request.timeout.ms=2000\ndefault.api.timeout.ms=3000\n',
  'move.json': json({ topics: [{ topic: 'tool-one' }], version: 1 }),
  'move-three.json': json({ topics: [{ topic: 'tool-three' }], version: 1 }),
  'swap.json': reassignment(['tool-three', 0, [3, 2, 1]], ['tool-one', 1, [1]]),
  'factor.json': reassignment(['tool-two', 0, [2, 3, 1]]),
  'factor-back.json': reassignment(['tool-two', 0, [2, 3]]),
  'unknown-broker.json': reassignment(['tool-two', 0, [2, 7]]),
  'to-three.json': reassignment(['tool-one', 0, [3]], ['tool-three', 1, [2, 1]]),
  'to-stopped.json': reassignment(['tool-moved', 0, [1, 3]]),
  'elect.json': json({ partitions: [0, 1, 2].map((partition) => ({ topic: 'tool-three', partition })) }),
  'elect-none.json': json({ partitions: [{ topic: 'tool-none', partition: 0 }] }),
  'delete.json': json({
    partitions: [0, 1, 2].map((partition) => ({ topic: 'tool-three', partition, offset: 1 })),
    version: 1,
  }),
}

function reassignment(...partitions: [topic: string, partition: number, replicas: number[]][]): string {
  return json({
    version: 1,
    partitions: partitions.map(([topic, partition, replicas]) => ({ topic, partition, replicas })),
  })
}

function json(value: unknown): string {
  return JSON.stringify(value)
}
