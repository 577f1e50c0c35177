import { RegisterControllerRecord } from '../../protocol/internal-records/broker-records.ts'
import { encodeMetadataRecord } from '../../protocol/internal-records/metadata-framing.ts'
import { BeginTransactionRecord, EndTransactionRecord } from '../../protocol/internal-records/metadata-log-records.ts'
import type { AdoptedTopic } from './adopted-topics.ts'
import type { ClusterImage, Listener } from './cluster-image.ts'
import { configRecord, featureRecords, scramRecords, topicRecords } from './image-records.ts'
import { configResourceType } from './metadata-image.ts'
import {
  controllersRegister,
  eligibleLeaderReplicas,
  newClusterFeatures,
  supportedFeatures,
} from './record-versions.ts'

/**
 * First records of a new metadata log. formatted: what `kafka-storage.sh format` has prepared; without feature levels
 * they are those of a new cluster. adopted: topics from directories without a metadata log. Source:
 * ActivationRecordsGenerator.
 */
export function bootstrapRecords(
  formatted: Pick<ClusterImage, 'features' | 'scramCredentials'>,
  adopted: readonly Pick<AdoptedTopic, 'image' | 'configs'>[],
): Buffer[] {
  const features = formatted.features.size > 0 ? formatted.features : newClusterFeatures
  const name = 'Bootstrap records'
  return [
    encodeMetadataRecord(BeginTransactionRecord, 0, { name }),
    ...featureRecords(features),
    // With eligible leader replicas the cluster needs its own min.insync.replicas (KIP-966).
    ...(eligibleLeaderReplicas(features)
      ? [configRecord(configResourceType.broker, '', 'min.insync.replicas', '1')]
      : []),
    ...scramRecords(formatted.scramCredentials),
    ...adopted.flatMap(({ image, configs }) => [
      ...topicRecords(image, features),
      ...[...configs].map(([name, value]) => configRecord(configResourceType.topic, image.name, name, value)),
    ]),
    encodeMetadataRecord(EndTransactionRecord, 0, {}),
  ]
}

/** Registers a controller. None if the metadata version is too old for it. */
export function controllerRecords(
  { features }: Pick<ClusterImage, 'features'>,
  controller: {
    readonly nodeId: number
    readonly incarnationId: string
    readonly controllerEndpoints: readonly Listener[]
  },
): Buffer[] {
  if (!controllersRegister(features)) return []
  return [
    encodeMetadataRecord(RegisterControllerRecord, 0, {
      controllerId: controller.nodeId,
      incarnationId: controller.incarnationId,
      zkMigrationReady: false,
      endPoints: controller.controllerEndpoints,
      features: supportedFeatures,
    }),
  ]
}
