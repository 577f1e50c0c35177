import { expect } from 'chai'
import { InvalidSetting } from './config-value.ts'
import { readZooKeeperConnect } from './zookeeper-connect.ts'

const served: readonly (readonly [text: string, host: string, port: number, chroot: string])[] = [
  ['localhost:2181', 'localhost', 2181, ''],
  ['localhost', 'localhost', 2181, ''],
  ['127.0.0.1:0', '127.0.0.1', 0, ''],
  ['[::1]:2182', '::1', 2182, ''],
  ['My-Host:2181', 'My-Host', 2181, ''],
  [' localhost:2181/ ', 'localhost', 2181, ''],
  ['localhost:2181/kafka', 'localhost', 2181, '/kafka'],
  ['localhost:2181/kafka/one', 'localhost', 2181, '/kafka/one'],
]
const elsewhere = ['zoo1:2181', 'zoo1:2181,zoo2:2181/kafka', 'localhost:2181,localhost:2182', '10.0.0.1']
const invalid = [
  'localhost:x',
  'localhost:70000',
  ':2181',
  'localhost:2181,',
  'localhost:2181//',
  'localhost/a/../b',
  '::1',
]

describe('zookeeper.connect', () => {
  for (const [text, host, port, chroot] of served)
    it(`${text} is served here`, () => {
      expect(readZooKeeperConnect(text, 'my-host')).to.deep.equal({ host, port, chroot })
    })
  for (const text of elsewhere)
    it(`${text} names other machines`, () => {
      expect(lineAbout(text)).to.match(/names other machines/)
    })
  for (const text of invalid)
    it(`${text} is no address`, () => {
      expect(lineAbout(text)).to.match(/is no address/)
    })
  it('may be left out', () => {
    expect(readZooKeeperConnect(undefined, 'x')).to.equal(undefined)
    expect(readZooKeeperConnect('', 'x')).to.equal(undefined)
  })
})

function lineAbout(text: string): string {
  const read = readZooKeeperConnect(text, 'my-host')
  return read instanceof InvalidSetting ? read.message : `served: ${JSON.stringify(read)}`
}
