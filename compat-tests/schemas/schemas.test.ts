import { expect } from 'chai'
import { apis } from '../../protocol/apis/index.ts'
import { versionRange } from '../../protocol/schema.ts'
import { kafkaJars } from '../../scripts/kafka-tool.ts'
import { controllerHandlers } from '../../src/apis/controller-apis.ts'
import { allSchemas, keyOf } from '../all-schemas.ts'
import { needs } from '../requirements.ts'
import { differences } from './compare-schema.ts'
import { type Exception, exceptionFor, exceptions, withoutSchema } from './exceptions.ts'
import { type Definition, kafkaDefinitions } from './kafka-definitions.ts'

/** 3.9.1 is the last version with every old message version, 4.4.0 the newest. */
const OLDEST_VERSIONS = '3.9.1'
const NEWEST_VERSIONS = '4.4.0'

function valid(definition: Definition | undefined): definition is Definition {
  return definition !== undefined && definition.validVersions !== 'none'
}

describe("our schemas and Kafka's definitions", () => {
  needs('java', 'maven')
  const definitions = new Map<string, Map<string, Definition>>()
  const used = new Set<Exception>()

  before(async function () {
    this.timeout(600_000) // the jars are downloaded if they are missing
    for (const kafka of [OLDEST_VERSIONS, NEWEST_VERSIONS]) {
      definitions.set(kafka, kafkaDefinitions(await kafkaJars(kafka)))
    }
  })

  function definition(kafka: string, name: string): Definition | undefined {
    return definitions.get(kafka)?.get(name)
  }

  for (const schema of allSchemas) {
    it(`say the same of ${schema.name}`, () => {
      for (const kafka of definitions.keys()) {
        const theirs = definition(kafka, schema.name)
        if (!valid(theirs)) continue
        const unexplained = differences(theirs, schema).filter((difference) => {
          const exception = exceptionFor(kafka, difference)
          if (exception !== undefined) used.add(exception)
          return exception === undefined
        })
        expect(unexplained, `against ${kafka}`).to.deep.equal([])
      }
    })
  }

  it('have the same keys', () => {
    for (const [name, key] of keyOf) expect(definition(NEWEST_VERSIONS, name)?.apiKey, name).to.equal(key)
  })

  it('end at the same version', () => {
    for (const schema of allSchemas) {
      const newest = definition(NEWEST_VERSIONS, schema.name)?.validVersions ?? 'none'
      expect(schema.versions.newest, schema.name).to.equal(versionRange(newest).newest)
    }
  })

  it('begin at version 0 for every api', () => {
    for (const api of apis) expect(api.versions.oldest, api.name).to.equal(0)
  })

  it('cover every message of Kafka but those that are listed', () => {
    const known = new Set(allSchemas.map((schema) => schema.name))
    const names = new Set(
      [...definitions.values()].flatMap((each) => [...each.values()].filter(valid)).map((d) => d.name),
    )
    const missing = [...names].filter((name) => !known.has(name))
    expect(missing.filter((name) => !withoutSchema.some((each) => each.name.test(name)))).to.deep.equal([])
    const idle = withoutSchema.filter((each) => !missing.some((name) => each.name.test(name)))
    expect(idle.map(String), 'entries that stand for nothing').to.deep.equal([])
  })

  it('cover every api that a broker listens to', () => {
    const served = [...(definitions.get(NEWEST_VERSIONS)?.values() ?? [])].filter(
      (each) => each.type === 'request' && valid(each) && each.listeners?.includes('broker'),
    )
    expect(served).to.have.length(apis.length)
  })

  it('list for controllers what Kafka’s controllers listen to, save what only nodes of a quorum ask', () => {
    const ofQuorum = ['Fetch', 'Vote', 'BeginQuorumEpoch', 'EndQuorumEpoch', 'FetchSnapshot', 'UpdateRaftVoter']
    const ofBrokers = ['AlterPartition', 'Envelope', 'BrokerRegistration', 'BrokerHeartbeat', 'AllocateProducerIds']
    const between = [...ofQuorum, ...ofBrokers, 'ControllerRegistration', 'AssignReplicasToDirs']
    const theirs = [...(definitions.get(NEWEST_VERSIONS)?.values() ?? [])]
      .filter((each) => each.type === 'request' && valid(each) && each.listeners?.includes('controller'))
      .map(({ name }) => name.replace(/Request$/, ''))
    expect([...controllerHandlers.map(({ api }) => api.name), ...between]).to.have.members(theirs)
  })

  it('need every exception that is listed', () => {
    const idle = exceptions.filter((exception) => !used.has(exception))
    expect(idle.map((exception) => exception.reason)).to.deep.equal([])
  })
})
