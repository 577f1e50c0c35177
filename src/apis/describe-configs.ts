import { DescribeConfigs, type DescribeConfigsRequest } from '../../protocol/apis/describe-configs.ts'
import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import {
  configSource,
  type DescribedConfig,
  describeBrokerConfigs,
  describeClientMetrics,
  describeDefaultBrokerConfigs,
  describeGroupConfigs,
  describeLoggers,
  describeTopicConfigs,
} from '../config/config-description.ts'
import { configResourceKey, configResourceType } from '../metadata/metadata-image.ts'
import { invalidTopicName } from '../metadata/topic-names.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

type Resource = DescribeConfigsRequest['resources'][number]

/** Versions from 1 on have configSource instead. */
const LAST_WITH_IS_DEFAULT = 0

/** Lists settings with their sources. Source: ConfigHelper.describeConfigs. */
export const describeConfigs = handler(DescribeConfigs, async (request, { services, slices, apiVersion }) => {
  // An unknown resource type fails the whole request.
  const types = Object.values(configResourceType) as number[]
  const hasUnknownType = request.resources.some(({ resourceType }) => !types.includes(resourceType))
  if (hasUnknownType)
    return { results: request.resources.map((resource) => refused(resource, reject('INVALID_REQUEST'))) }
  const results = await mapInSlices(request.resources, slices, (resource) => {
    const { resourceType, resourceName } = resource
    const described = describe(resource, services)
    if (isRejection(described)) return refused(resource, described)
    const isWanted = wantedBy(resource)
    const configs = described.filter(({ name }) => isWanted(name)).map((each) => view(each, request, apiVersion))
    return { errorCode: 0, errorMessage: '', resourceType, resourceName, configs }
  })
  return { results }
})

function refused({ resourceType, resourceName }: Resource, { code, message }: Rejection) {
  return { errorCode: code, errorMessage: message, resourceType, resourceName, configs: [] }
}

/** Without keys, all settings are wanted. */
function wantedBy({ configurationKeys }: Resource): (name: string) => boolean {
  if (configurationKeys === null || configurationKeys.length === 0) return () => true
  const keys = new Set(configurationKeys)
  return (name) => keys.has(name)
}

function view(config: DescribedConfig, request: DescribeConfigsRequest, apiVersion: number) {
  const { name, value, readOnly, isSensitive, source, type } = config
  return {
    name,
    value,
    readOnly,
    isSensitive,
    isDefault: apiVersion <= LAST_WITH_IS_DEFAULT && source === configSource.default,
    configSource: source,
    synonyms: request.includeSynonyms ? config.synonyms : [],
    configType: type,
    documentation: request.includeDocumentation || source === configSource.brokerLogger ? config.documentation : null,
  }
}

function describe({ resourceType, resourceName }: Resource, services: Services): DescribedConfig[] | Rejection {
  const { configs, metadata } = services
  const own = configs.dynamic(configResourceKey(resourceType, resourceName))
  switch (resourceType) {
    case configResourceType.topic: {
      const invalid = invalidTopicName(resourceName)
      if (invalid !== undefined) return reject('INVALID_TOPIC_EXCEPTION', invalid)
      if (!metadata.image.topicsByName.has(resourceName)) return reject('UNKNOWN_TOPIC_OR_PARTITION', '')
      return describeTopicConfigs(configs, own)
    }
    case configResourceType.broker:
      if (resourceName === '') return describeDefaultBrokerConfigs(configs)
      return brokerIdFault(resourceName, services, 'or empty string, ') ?? describeBrokerConfigs(configs)
    case configResourceType.brokerLogger:
      if (resourceName === '') return reject('INVALID_REQUEST', 'Broker id must not be empty')
      return brokerIdFault(resourceName, services, '') ?? describeLoggers(services.loggers)
    case configResourceType.clientMetrics:
      if (resourceName === '') return reject('INVALID_REQUEST', 'Client metrics subscription name must not be empty')
      return describeClientMetrics(own)
    case configResourceType.group:
      if (resourceName === '') return reject('INVALID_REQUEST', 'Group name must not be empty')
      return describeGroupConfigs(configs, own)
    default:
      return reject('INVALID_REQUEST')
  }
}

function brokerIdFault(name: string, { nodeId }: Services, orEmpty: string): Rejection | undefined {
  if (!/^[+-]?\d+$/.test(name)) return reject('INVALID_REQUEST', `Broker id must be an integer, but it is: ${name}`)
  if (Number(name) === nodeId) return undefined
  return reject('INVALID_REQUEST', `Unexpected broker id, expected ${nodeId} ${orEmpty}but received ${name}`)
}
