import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { errorCode } from '../../protocol/error-codes.ts'
import { handler } from './handler.ts'

/** What a client may call itself. Source: ApiVersionsRequest.SOFTWARE_NAME_VERSION_PATTERN. */
const softwarePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** First version that names the client's software and tells features. */
const WITH_SOFTWARE = 3

/** Tells what is served here: always at once, before anything else that a client asks. */
export const apiVersions = handler(ApiVersions, (request, context) => {
  const { clientSoftwareName: name, clientSoftwareVersion: version } = request
  if (context.apiVersion >= WITH_SOFTWARE) {
    if (!softwarePattern.test(name) || !softwarePattern.test(version)) {
      return { errorCode: errorCode('INVALID_REQUEST'), apiKeys: [] }
    }
    context.rememberClientSoftware(name, version)
  }
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
    finalizedFeaturesEpoch: image.endOffset,
    finalizedFeatures: [...image.features].map(([feature, level]) => ({
      name: feature,
      minVersionLevel: level,
      maxVersionLevel: level,
    })),
  }
})
