import { expect } from 'chai'
import { parseProperties } from './server-properties.ts'

const cases: [string, string, [string, string][]][] = [
  [
    'equals, colon or blank between name and value',
    'a=1\nb: 2\nc 3\nd',
    [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
      ['d', ''],
    ],
  ],
  ['white space around the separator goes, at the end it stays', '  a  =  1 ', [['a', '1 ']]],
  ['comments and empty lines', '# a=1\n ! b=2\n\n\t\nc=3', [['c', '3']]],
  ['a comment is not continued', '# a \\\nb=2', [['b', '2']]],
  [
    'a value over several lines',
    'a=1,\\\n   2,\\\r\n\t3\nb=4',
    [
      ['a', '1,2,3'],
      ['b', '4'],
    ],
  ],
  [
    'an even number of backslashes ends the line',
    'a=x\\\\\nb=2',
    [
      ['a', 'x\\'],
      ['b', '2'],
    ],
  ],
  ['escapes', 'a\\=b=\\t\\u00e4\\:\\q', [['a=b', '\tä:q']]],
  ['the last of several wins', 'a=1\na=2', [['a', '2']]],
  [
    'a separator inside a value stays',
    'sasl=org.X required user="a" password="b=c";',
    [['sasl', 'org.X required user="a" password="b=c";']],
  ],
  ['a continuation at the end of the file', 'a=1\\', [['a', '1']]],
]

describe('server.properties', () => {
  for (const [name, text, settings] of cases) {
    it(name, () => {
      expect([...parseProperties(text)]).to.deep.equal(settings)
    })
  }

  it('a malformed unicode escape is refused', () => {
    expect(() => parseProperties('a=\\u12')).to.throw('malformed \\uXXXX escape')
  })
})
