import { ApiVersions, type ApiVersionsRequest } from '../../protocol/apis/api-versions.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { finalizedFeatures } from '../metadata/feature-changes.ts'
import { supportedFeatures } from '../metadata/record-versions.ts'
import { handler, type RequestContext } from './handler.ts'

/** Valid client software names and versions. Source: ApiVersionsRequest.SOFTWARE_NAME_VERSION_PATTERN. */
const softwarePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** First version with the client's software name, and with features. */
const WITH_SOFTWARE = 3
/** First version whose clients can parse a feature with minimum version 0. Older clients do not get these features. */
const WITH_FEATURE_VERSION_0 = 4

/** Answers API versions and features. Clients send this first, so it never waits. */
export const apiVersions = handler(ApiVersions, (request, context) => {
  if (isMalformed(request, context)) return { errorCode: errorCode('INVALID_REQUEST'), apiKeys: [] }
  if (expectsOtherBroker(request, context)) return { errorCode: errorCode('REBOOTSTRAP_REQUIRED'), apiKeys: [] }
  return versionsFor(context)
})

/** The same on a controller listener, which any client may use. Source: ControllerApis.handleApiVersionsRequest. */
export const apiVersionsOfController = handler(ApiVersions, (request, context) =>
  isMalformed(request, context) ? { errorCode: errorCode('INVALID_REQUEST'), apiKeys: [] } : versionsFor(context),
)

/** Remembers the client's software unless it is malformed. */
function isMalformed(request: ApiVersionsRequest, context: RequestContext): boolean {
  const { clientSoftwareName: name, clientSoftwareVersion: version } = request
  if (context.apiVersion < WITH_SOFTWARE) return false
  if (isIncompleteTarget(request) || !softwarePattern.test(name) || !softwarePattern.test(version)) return true
  context.rememberClientSoftware(name, version)
  return false
}

function versionsFor(context: RequestContext) {
  const { served, metadata } = context.services
  const apiKeys = [...served].map(([apiKey, { oldest, newest }]) => ({
    apiKey,
    minVersion: oldest,
    maxVersion: newest,
  }))
  const { image } = metadata
  return {
    errorCode: errorCode('NONE'),
    apiKeys,
    supportedFeatures: supportedFeatures
      .filter(({ minSupportedVersion }) => context.apiVersion >= WITH_FEATURE_VERSION_0 || minSupportedVersion > 0)
      .map(({ name, minSupportedVersion: minVersion, maxSupportedVersion: maxVersion }) => ({
        name,
        minVersion,
        maxVersion,
      })),
    finalizedFeaturesEpoch: image.endOffset,
    finalizedFeatures: [...finalizedFeatures(metadata)].map(([feature, level]) => ({
      name: feature,
      minVersionLevel: level,
      maxVersionLevel: level,
    })),
  }
}

/** True if only one of cluster id and node id is set. Source: ApiVersionsRequest.isValid. */
function isIncompleteTarget({ clusterId, nodeId }: ApiVersionsRequest): boolean {
  return (clusterId === null) !== (nodeId === -1)
}

/**
 * True if the client expects another cluster or node (v5, KIP-1242). REBOOTSTRAP_REQUIRED makes it start over from its
 * bootstrap servers.
 */
function expectsOtherBroker({ clusterId, nodeId }: ApiVersionsRequest, { services }: RequestContext): boolean {
  const { image } = services.metadata
  return clusterId !== null && (clusterId !== image.clusterId || nodeId !== services.nodeId)
}
