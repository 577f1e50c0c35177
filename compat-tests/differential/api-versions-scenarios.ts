import { ApiVersions } from '../../protocol/apis/api-versions.ts'
import { inVersions, type Scenario } from './scenario.ts'

const served: Scenario[] = inVersions(ApiVersions, 'what is served', async (send, version) => {
  await send(ApiVersions, version, 'plain', { clientSoftwareName: 'raw', clientSoftwareVersion: '1.0' })
})

const refusedSoftware: [name: string, version: string][] = [
  ['', '1.0'],
  ['raw', ''],
  ['raw client', '1.0'],
  ['raw_client', '1.0'],
  ['-raw', '1.0'],
  ['raw.', '1.0'],
  ['räw', '1.0'],
  ['raw\n', '1.0'],
  ['raw', '1.0+2'],
  ['raw', '1.0/2'],
]

const software: Scenario[] = [3, 4, 5].map((version) => ({
  name: `ApiVersions v${version}: how clients call themselves`,
  run: async (send) => {
    for (const [clientSoftwareName, clientSoftwareVersion] of refusedSoftware) {
      const what = `${JSON.stringify(clientSoftwareName)} ${JSON.stringify(clientSoftwareVersion)}`
      await send(ApiVersions, version, what, { clientSoftwareName, clientSoftwareVersion })
    }
    const well = { clientSoftwareName: 'A.9-z', clientSoftwareVersion: '1.0-rc.1' }
    await send(ApiVersions, version, 'as it should be', well)
  },
}))

const addressed: Scenario = {
  name: 'ApiVersions v5: a client that means another broker',
  run: async (send) => {
    const ask = (what: string, clusterId: string | null, nodeId: number) =>
      send(ApiVersions, 5, what, { clientSoftwareName: 'raw', clientSoftwareVersion: '1', clusterId, nodeId })
    await ask('this one', '4L6g3nShT-eMCtK--X86sw', 1)
    await ask('another cluster', 'another', 1)
    await ask('no cluster', '', 1)
    await ask('a cluster alone', '4L6g3nShT-eMCtK--X86sw', -1)
    await ask('another cluster and another node', 'another', 2)
    await ask('a node that is none in this cluster', '4L6g3nShT-eMCtK--X86sw', -2)
    await ask('another node', null, 2)
    await ask('a node that is none', null, -2)
  },
}

/** What a broker reports about itself. */
export const apiVersionsScenarios: readonly Scenario[] = [...served, ...software, addressed]
