import { GetTelemetrySubscriptions } from '../../protocol/apis/get-telemetry-subscriptions.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import type { TelemetryClient } from '../telemetry/client-metrics.ts'
import { handler, type RequestContext } from './handler.ts'

/** zstd, lz4, gzip and snappy, the preferred ones first. Source: ClientMetricsManager.SUPPORTED_COMPRESSION_TYPES. */
const acceptedCompressionTypes = [4, 3, 1, 2]

/**
 * Answers which metrics a client should push, and how often. Kafka advertises this API only with a receiver that is
 * loaded as a plugin; here the broker itself receives. Source: ClientMetricsManager.processGetTelemetrySubscriptionRequest.
 */
export const getTelemetrySubscriptions = handler(GetTelemetrySubscriptions, ({ clientInstanceId }, context) => {
  const given = clientInstanceId === ZERO_UUID ? undefined : clientInstanceId
  const { error, id, wanted, maxBytes } = context.services.clientMetrics.subscriptionsOf(
    given,
    telemetryClient(context),
  )
  const isRefused = error !== 'NONE'
  return {
    errorCode: errorCode(error),
    clientInstanceId: isRefused ? ZERO_UUID : id,
    subscriptionId: isRefused ? 0 : wanted.subscriptionId,
    acceptedCompressionTypes: isRefused ? [] : acceptedCompressionTypes,
    pushIntervalMs: isRefused ? 0 : wanted.pushIntervalMs,
    telemetryMaxBytes: isRefused ? 0 : maxBytes,
    deltaTemporality: !isRefused,
    requestedMetrics: isRefused ? [] : wanted.metrics,
  }
})

/** The client of a request, as subscriptions can match it. */
export function telemetryClient(context: RequestContext): TelemetryClient {
  const { connectionId, clientId, clientSoftware, clientHost, clientPort } = context
  const { name: softwareName, version: softwareVersion } = clientSoftware
  return { connectionId, clientId, softwareName, softwareVersion, host: clientHost, port: clientPort }
}
