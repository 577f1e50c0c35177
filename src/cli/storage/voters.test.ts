import { expect } from 'chai'
import { votersOf } from './voters.ts'

const ID = 'JEXY6aqzQY-32P5TStzaFg'

describe('initial controllers', () => {
  it('are read with names, IPv4 and IPv6 addresses', () => {
    expect(votersOf(`1@localhost:9093:${ID}, 2@[::1]:9094:${ID},`.replace(', ', ','))).to.deep.equal([
      { nodeId: 1, host: 'localhost', port: 9093, directoryId: ID },
      { nodeId: 2, host: '::1', port: 9094, directoryId: ID },
    ])
  })

  for (const [text, fault] of [
    ['x', 'No @ found in dynamic voter string.'],
    ['@a:1', 'Invalid @ at beginning of dynamic voter string.'],
    [`a@localhost:1:${ID}`, 'Failed to parse node id in dynamic voter string.'],
    [`-1@localhost:1:${ID}`, 'Invalid negative node id -1 in dynamic voter string.'],
    ['1@', 'No hostname found after node id.'],
    ['1@localhost', 'No colon following hostname could be found.'],
    ['1@[::1', 'Hostname began with left bracket, but no right bracket was found.'],
    [`1@[::1]9:${ID}`, 'Port section must start with a colon.'],
    ['1@localhost:1', 'No colon following port could be found.'],
    [`1@localhost:x:${ID}`, 'Failed to parse port in dynamic voter string.'],
    [`1@localhost:99999:${ID}`, 'Invalid port 99999 in dynamic voter string.'],
    ['1@localhost:1:J', 'Failed to parse directory ID in dynamic voter string.'],
    [`1@a:1:${ID},1@b:1:${ID}`, 'Node id 1 was specified more than once.'],
  ] as const)
    it(`${text} is refused`, () => {
      expect(() => votersOf(text)).to.throw(fault)
    })
})
