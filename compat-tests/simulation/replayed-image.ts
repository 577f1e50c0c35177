import { type ClusterImage, emptyImage } from '../../src/metadata/cluster-image.ts'
import { ImageBuilder } from '../../src/metadata/image-builder.ts'
import { imageRecords } from '../../src/metadata/image-records.ts'
import { MetadataLog } from '../../src/metadata/metadata-log.ts'
import type { SimulatedHost } from '../../storage/host/simulated-host.ts'

const silent = { error() {}, warn() {}, info() {}, debug() {} }

/** The image that the metadata log in this directory gives. No broker may run. */
export function replayedImage(parts: { host: SimulatedHost; directory: string; clusterId: string }): ClusterImage {
  const { host, directory, clusterId } = parts
  const builder = new ImageBuilder(emptyImage(clusterId))
  const log = MetadataLog.open(host, directory, silent, (record, bytes) => builder.replay(record, bytes))
  return builder.finish({ endOffset: log.endOffset, controllerId: -1, controllerEpoch: log.epoch }).image
}

/** The image as text, in an order that depends on nothing else. */
export function textOf(image: ClusterImage): string {
  return [...imageRecords(image)]
    .map((record) => record.toString('hex'))
    .sort()
    .join('\n')
}
