import { PushTelemetry } from '../../protocol/apis/push-telemetry.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { telemetryClient } from './get-telemetry-subscriptions.ts'
import { handler } from './handler.ts'

/** Uuids that Kafka uses itself. Source: Uuid.RESERVED. */
const reserved: ReadonlySet<string> = new Set([ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ'])

/** Accepts the metrics of a client. Source: ClientMetricsManager.processPushTelemetryRequest. */
export const pushTelemetry = handler(PushTelemetry, async (request, context) => {
  if (reserved.has(request.clientInstanceId)) return { errorCode: errorCode('INVALID_REQUEST') }
  const { clientMetrics } = context.services
  return { errorCode: errorCode(await clientMetrics.push(request, telemetryClient(context), context.slices)) }
})
