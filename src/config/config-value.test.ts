import { expect } from 'chai'
import { type ConfigType, InvalidSetting, javaDoubleText, parseConfigValue } from './config-value.ts'

function textOf(type: ConfigType, text: string): string | null {
  const parsed = parseConfigValue(type, 'x', text)
  return parsed instanceof InvalidSetting ? parsed.message : parsed.text
}

describe('values of settings', () => {
  it('a long keeps its exact text and saturates as a number', () => {
    expect(parseConfigValue('long', 'x', '9223372036854775807')).to.deep.equal({
      value: Number.MAX_SAFE_INTEGER,
      text: '9223372036854775807',
    })
    expect(parseConfigValue('long', 'x', '-9223372036854775808')).to.deep.include({ value: -Number.MAX_SAFE_INTEGER })
  })

  const accepted: [ConfigType, string, string][] = [
    ['boolean', ' TRUE ', 'true'],
    ['int', '+007', '7'],
    ['int', '-2147483648', '-2147483648'],
    ['short', '32767', '32767'],
    ['double', '.5', '0.5'],
    ['double', '1e10', '1.0E10'],
    ['double', '5d', '5.0'],
    ['double', 'NaN', 'NaN'],
    ['list', 'a , b,c', 'a,b,c'],
    ['list', '  ', ''],
    ['string', ' padded ', 'padded'],
    ['password', 'secret', 'secret'],
  ]
  for (const [type, text, shown] of accepted) {
    it(`${type} takes '${text}'`, () => {
      expect(textOf(type, text)).to.equal(shown)
    })
  }

  const refused: [ConfigType, string, string][] = [
    ['boolean', 'yes', 'Invalid value yes for configuration x: Expected value to be either true or false'],
    ['int', '2147483648', 'Invalid value 2147483648 for configuration x: Not a number of type INT'],
    ['int', '1.0', 'Invalid value 1.0 for configuration x: Not a number of type INT'],
    ['int', '', 'Invalid value  for configuration x: Not a number of type INT'],
    ['short', '32768', 'Invalid value 32768 for configuration x: Not a number of type SHORT'],
    ['long', '9223372036854775808', 'Invalid value 9223372036854775808 for configuration x: Not a number of type LONG'],
    ['double', 'half', 'Invalid value half for configuration x: Not a number of type DOUBLE'],
  ]
  for (const [type, text, message] of refused) {
    it(`${type} refuses '${text}'`, () => {
      expect(textOf(type, text)).to.equal(message)
    })
  }

  it('a double is printed as Java prints it', () => {
    expect([0.5, 1, 1e7, 0.001, 0.0001, Number.MAX_VALUE, 0].map(javaDoubleText)).to.deep.equal([
      '0.5',
      '1.0',
      '1.0E7',
      '0.001',
      '1.0E-4',
      '1.7976931348623157E308',
      '0.0',
    ])
  })
})
