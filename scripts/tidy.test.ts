import { expect } from 'chai'
import { complaintsAbout } from './tidy.ts'

/** A tree that keeps every rule. */
const clean = {
  'src/README.md': '| `network/` | |\n| `apis/` | |\n| `config/` | |',
  'protocol/apis/index.ts': "export { Fetch } from './fetch.ts'",
  'protocol/apis/fetch.ts': 'export const Fetch = api({ key: 1 })',
  'storage/log.ts': "import { Fetch } from '../protocol/apis/index.ts'",
  'src/apis/index.ts': "import { fetch } from './fetch.ts'",
  'src/apis/fetch.ts': "import { Log } from '../../storage/log.ts'\nexport const fetch = handler(Log)",
  'src/main.ts': "import './apis/index.ts'\nprocess.exit(0)",
}

function complaints(changes: Record<string, string>): string[] {
  return complaintsAbout(new Map(Object.entries({ ...clean, ...changes })))
}

describe('tidy', () => {
  it('is content with a tree that keeps the rules', () => {
    expect(complaints({})).to.deep.equal([])
  })

  const refused: Record<string, [changes: Record<string, string>, complaint: RegExp]> = {
    'a lower layer that imports a higher one': [
      { 'protocol/apis/fetch.ts': "import '../../storage/log.ts'" },
      /^protocol\/apis\/fetch.ts imports storage\/log.ts, a higher layer: /,
    ],
    'a room that imports one above it in the list of src/README.md': [
      {
        'src/apis/fetch.ts': "import '../network/socket.ts'\nexport const fetch = handler()",
        'src/network/socket.ts': '',
      },
      /^src\/apis\/fetch.ts imports src\/network\/socket.ts, a higher layer: /,
    ],
    'a helper of tests without their suffix': [
      { 'src/x.test.ts': "import './helper.ts'\nit('', () => {})", 'src/helper.ts': '' },
      /^src\/helper.ts is imported by tests alone: call it src\/helper.fixture.ts/,
    ],
    'an import of a file that is not there': [
      { 'src/main.ts': "import './apis/index.ts'\nimport './gone.ts'" },
      /^src\/main.ts imports src\/gone.ts, which does not exist/,
    ],
    'the product importing a test': [
      { 'src/main.ts': "import './apis/index.ts'\nimport './x.fixture.ts'", 'src/x.fixture.ts': '' },
      /^src\/main.ts imports src\/x.fixture.ts, a test/,
    ],
    'a circle of imports': [
      {
        'storage/log.ts': "import '../protocol/apis/fetch.ts'\nimport type { A } from './a.ts'",
        'storage/a.ts': "import './log.ts'",
      },
      /^storage\/log.ts -> storage\/a.ts -> storage\/log.ts is a circular import/,
    ],
    'a clock behind the back of the host': [
      { 'storage/log.ts': 'const now = Date.now()' },
      /^storage\/log.ts uses Date.now\(: take host.clock/,
    ],
    'a failure that nobody hears of': [
      { 'storage/log.ts': 'work().catch(() => {})' },
      /^storage\/log.ts has .catch\(\(\) => \{\}\): handle the failure, or log it/,
    ],
    'a catch without a word': [
      { 'storage/log.ts': 'try {\n  work()\n} catch (error) {\n  // It may fail.\n}' },
      /^storage\/log.ts has catch \(error\)/,
    ],
    'a promise that nobody waits for': [
      { 'storage/log.ts': '  void log.flush()' },
      /^storage\/log.ts has void log.flush\(: hand the promise to inBackground/,
    ],
    'a file that nothing imports': [{ 'storage/dead.ts': '' }, /^storage\/dead.ts is imported by nothing/],
    'an api that its list lacks': [
      { 'protocol/apis/produce.ts': 'export const Produce = api({})', 'src/main.test.ts': "it('', () => {})" },
      /^protocol\/apis\/index.ts does not list protocol\/apis\/produce.ts/,
    ],
    'a default export': [{ 'src/main.ts': "import './apis/index.ts'\nexport default 1" }, /default export/],
    'a name that says nothing': [{ 'src/utils.test.ts': "it('works', () => {})" }, /has a name that says nothing/],
    'a test file without a test': [{ 'src/x.test.ts': 'const a = 1' }, /^src\/x.test.ts holds no test/],
    'a narrowed test': [
      { 'src/x.test.ts': "it.only('works', () => {})\nit('b', () => {})" },
      /^src\/x.test.ts has it.only: /,
    ],
  }
  for (const [what, [changes, complaint]] of Object.entries(refused))
    it(`refuses ${what}`, () => {
      expect(complaints(changes).some((line) => complaint.test(line))).to.equal(true)
    })

  it('reads no comments', () => {
    const code = `${clean['storage/log.ts']}\n// Date.now() is slow\n/**\nimport './gone.ts' */`
    expect(complaints({ 'storage/log.ts': code })).to.deep.equal([])
  })

  it('counts a program as used by whoever names its file', () => {
    const test = "it('starts it', () => fork(join(import.meta.dirname, 'program.ts')))"
    expect(complaints({ 'compat-tests/x.test.ts': test, 'compat-tests/program.ts': '' })).to.deep.equal([])
  })
})
