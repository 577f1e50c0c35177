import { isRejection, type Rejection, reject } from '../../protocol/error-codes.ts'
import { mapInSlices } from '../../storage/host/turn-slices.ts'
import {
  type AlteredResource,
  decideConfigChange,
  decideControllerConfigChange,
  type SettingsToWrite,
} from '../metadata/config-changes.ts'
import { configResourceKey, configResourceType, type MetadataImage } from '../metadata/metadata-image.ts'
import type { ConfigChange } from '../metadata/metadata-store.ts'
import { isLogLevel } from '../observe/named-loggers.ts'
import { duplicatesOf } from './duplicates.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

/** Kafka's AlterConfigOp.OpType id; the other one of loggers is DELETE. */
const SET = 0

/**
 * Alters resources independently of each other, for both AlterConfigs APIs. Answers in request order. Source:
 * ConfigAdminManager.preprocess, then the controller.
 */
export async function alterResources(
  resources: readonly AlteredResource[],
  validateOnly: boolean,
  context: RequestContext,
) {
  const refuse = reject('INVALID_REQUEST', 'Each resource must appear at most once.')
  return alter(resources, { validateOnly, context, decide: decideConfigChange, duplicates: { of: resources, refuse } })
}

/**
 * The same on a controller listener: of a setting that occurs twice the last change counts, and a resource that occurs
 * twice is answered once. Source: ControllerApis.handleIncrementalAlterConfigs, handleLegacyAlterConfigs.
 */
export async function alterControllerResources(
  resources: readonly AlteredResource[],
  validateOnly: boolean,
  context: RequestContext,
) {
  const distinct = new Map(resources.map((each) => [keyOf(each), withLastChanges(each)]))
  const refuse = reject('INVALID_REQUEST', 'Duplicate resource.')
  return alter([...distinct.values()], {
    ...{ validateOnly, context, decide: decideControllerConfigChange, duplicates: { of: resources, refuse } },
  })
}

function withLastChanges(resource: AlteredResource): AlteredResource {
  return { ...resource, changes: [...new Map(resource.changes.map((each) => [each.name, each])).values()] }
}

interface Alteration {
  readonly validateOnly: boolean
  readonly context: RequestContext
  readonly decide: typeof decideConfigChange
  /** Resources among which duplicates are looked for, and the answer to these. */
  readonly duplicates: { readonly of: readonly AlteredResource[]; readonly refuse: Rejection }
}

async function alter(resources: readonly AlteredResource[], { validateOnly, context, decide, duplicates }: Alteration) {
  const { services, nowMs, principal, slices } = context
  const { nodeId, configs, loggers } = services
  const repeated = duplicatesOf(duplicates.of.map(keyOf))
  let decisions: (SettingsToWrite | Rejection)[] = []
  const decideAll = function* (image: MetadataImage) {
    decisions = []
    for (const resource of resources) {
      decisions.push(
        repeated.has(keyOf(resource)) ? duplicates.refuse : decide(resource, { nodeId, image, configs, loggers }),
      )
      yield
    }
    return changesOf(resources, decisions)
  }
  const refusal = await services.metadata.alterConfigs(decideAll, { nowMs, principal, slices, validateOnly })
  if (!validateOnly)
    for (const [index, resource] of resources.entries())
      if (resource.type === configResourceType.brokerLogger && !isRejection(decisions[index]))
        setLevels(resource, services)
  return mapInSlices(resources, slices, ({ type, name }, index) => {
    const decision = refusal ?? (decisions[index] as SettingsToWrite | Rejection)
    const [errorCode, errorMessage] = isRejection(decision) ? [decision.code, decision.message] : [0, null]
    return { errorCode, errorMessage, resourceType: type, resourceName: name }
  })
}

/** Levels of loggers are in force until the process ends, and not in the metadata. Source: RuntimeLoggerManager. */
function setLevels({ changes }: AlteredResource, { loggers, logger }: Services): void {
  for (const { name, operation, value } of changes) {
    const level = operation === SET && isLogLevel(value) ? value : null
    loggers.setLevel(name, level)
    logger.info({ logger: name }, `the log level of ${name} is ${loggers.levelOf(name)}`)
  }
}

function keyOf({ type, name }: AlteredResource): string {
  return configResourceKey(type, name)
}

function changesOf(
  resources: readonly AlteredResource[],
  decisions: readonly (SettingsToWrite | Rejection)[],
): ConfigChange[] {
  return resources.flatMap(({ type, name }, index) => {
    const settings = decisions[index] as SettingsToWrite | Rejection
    if (isRejection(settings) || settings.size === 0) return []
    return [{ resourceType: type, resourceName: name, settings }]
  })
}
