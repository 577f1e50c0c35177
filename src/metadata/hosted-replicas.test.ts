import { expect } from 'chai'
import { ZERO_UUID } from '../../protocol/schema.ts'
import { HostedReplicas } from './hosted-replicas.ts'
import type { BrokerImage, PartitionImage } from './metadata-image.ts'

const [ONE, TWO, OTHER] = ['directoryOneAAAAAAAAAA', 'directoryTwoAAAAAAAAAA', 'directorySixAAAAAAAAAA']
const noBrokers = { brokers: new Map<number, BrokerImage>() }

const partition = (replicas: readonly number[], directories: readonly string[]) =>
  ({ replicas, directories }) as unknown as PartitionImage

describe('replicas in the data directories of the process', () => {
  const hosted = new HostedReplicas(1, [ONE, TWO])

  it('have the ids of meta.properties at the first broker, and others at each further one', () => {
    expect(hosted.idFor(1, ONE)).to.equal(ONE)
    const ids = [2, 3, 101].flatMap((node) => [hosted.idFor(node, ONE), hosted.idFor(node, TWO)])
    expect(new Set([...ids, ONE, TWO]).size).to.equal(8)
    expect(hosted.idFor(2, hosted.idFor(2, ONE))).to.equal(ONE)
    expect(new HostedReplicas(1, [TWO, ONE]).idFor(2, ONE)).to.equal(hosted.idFor(2, ONE))
    expect(hosted.idFor(2, ZERO_UUID)).to.equal(ZERO_UUID)
  })

  it('are found by the directory of any of them', () => {
    expect(hosted.directoryOf(partition([1], [TWO]))).to.equal(TWO)
    expect(hosted.directoryOf(partition([7, 2], [OTHER, hosted.idFor(2, TWO)]))).to.equal(TWO)
    expect(hosted.directoryOf(partition([7], [OTHER]))).to.equal(undefined)
    expect(hosted.directoryOf(partition([2], [ONE]))).to.equal(undefined)
    expect(hosted.directoryOf(partition([1], []))).to.equal(undefined)
  })

  it('are those of brokers that run or have run here, wherever the metadata has them', () => {
    const process = new HostedReplicas(1, [ONE])
    expect(process.hosts(noBrokers, partition([1], [OTHER]))).to.equal(true)
    expect(process.hosts(noBrokers, partition([2], [OTHER]))).to.equal(false)
    process.addNode(2)
    expect(process.hosts(noBrokers, partition([3, 2], []))).to.equal(true)
  })

  it('are those of brokers that ran here before, by their directories', () => {
    const process = new HostedReplicas(1, [ONE])
    const id = process.idFor(3, ONE)
    expect(process.hosts(noBrokers, partition([3], [id]))).to.equal(true)
    expect(process.hosts(noBrokers, partition([3], [ZERO_UUID]))).to.equal(false)
    const registered = (directories: readonly string[]) => ({
      brokers: new Map([[3, { directories } as unknown as BrokerImage]]),
    })
    expect(process.hosts(registered([id]), partition([3], [ZERO_UUID]))).to.equal(true)
    expect(process.hosts(registered([OTHER]), partition([3], [ZERO_UUID]))).to.equal(false)
  })
})
