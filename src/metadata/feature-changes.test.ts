import { expect } from 'chai'
import { featureFault } from './feature-changes.ts'

describe('changes of feature levels', () => {
  const features = new Map([
    ['metadata.version', 33],
    ['group.version', 1],
  ])
  const [upgrade, safe, unsafe] = [1, 2, 3] as const
  const fault = (feature: string, level: number, upgradeType: number, levels = features, hasVoter = true) =>
    featureFault({ feature, level, upgradeType }, { levels, controllerId: 1, hasVoter })

  it('are allowed if level and direction are', () => {
    expect(fault('group.version', 1, upgrade)).to.equal(undefined)
    expect(fault('group.version', 0, safe)).to.equal(undefined)
    expect(fault('share.version', 2, upgrade)).to.equal(undefined)
  })

  it('are refused if a downgrade goes up or an upgrade down', () => {
    expect(fault('share.version', 1, safe)).to.contain("Can't downgrade to a newer version.")
    expect(fault('share.version', 1, unsafe)).to.contain("Can't downgrade to a newer version.")
    expect(fault('group.version', 0, upgrade)).to.contain('without setting the upgrade type')
  })

  it('name the old and new level of a refused metadata version', () => {
    const from = 'Unsupported metadata.version downgrade from 33 to 30. '
    expect(fault('metadata.version', 30, safe)).to.equal(
      `${from}Refusing to perform the requested downgrade because it might delete metadata information.`,
    )
    expect(fault('metadata.version', 30, unsafe)).to.equal(
      `${from}Unsafe metadata downgrade is not supported in this version.`,
    )
  })

  it('put the voter into the log if it has a listener, for good', () => {
    expect(fault('kraft.version', 0, upgrade)).to.equal(undefined)
    expect(fault('kraft.version', 1, upgrade)).to.equal(undefined)
    expect(fault('kraft.version', 1, upgrade, features, false)).to.contain('set controller.listener.names')
    const dynamic = new Map([...features, ['kraft.version', 1] as const])
    expect(fault('kraft.version', 1, upgrade, dynamic)).to.equal(undefined)
    expect(fault('kraft.version', 0, safe, dynamic)).to.contain("Can't downgrade")
  })

  it('are refused for unknown features, with another message at level 0', () => {
    expect(fault('no.such', 0, upgrade)).to.equal(
      'Invalid update version 0 for feature no.such. Feature no.such not found.',
    )
    expect(fault('no.such', 1, upgrade)).to.contain('Local controller 1 does not support this feature.')
  })
})
