import { expect } from 'chai'
import { parseArguments, type StartArguments } from './arguments.ts'

function started(...args: string[]): StartArguments {
  const parsed = parseArguments(args, '1.2.3')
  if (!('overrides' in parsed)) throw new Error(`not a start: ${JSON.stringify(parsed)}`)
  return parsed
}

/** Captures stdout and stderr. */
function captured(run: () => unknown): { result: unknown; printed: string } {
  const [out, err] = [process.stdout.write, process.stderr.write]
  let printed = ''
  const take = ((text: string | Uint8Array) => {
    printed += text
    return true
  }) as typeof process.stdout.write
  process.stdout.write = take
  process.stderr.write = take
  try {
    return { result: run(), printed }
  } finally {
    process.stdout.write = out
    process.stderr.write = err
  }
}

describe('arguments', () => {
  it('start needs nothing', () => {
    expect(started('start')).to.deep.include({ propertiesFile: undefined, logFile: undefined, logLevel: 'info' })
  })

  it('start is what is meant where no command is named', () => {
    expect(started('server.properties').propertiesFile).to.equal('server.properties')
  })

  it('overrides keep everything behind the first equals sign', () => {
    const { overrides } = started('start', 'x.properties', '--override', 'a.b=c=d', '-o', 'listeners=PLAINTEXT://:0')
    expect([...overrides]).to.deep.equal([
      ['a.b', 'c=d'],
      ['listeners', 'PLAINTEXT://:0'],
    ])
  })

  for (const [args, text] of [
    [['start', '--override', 'novalue'], "argument 'novalue' is invalid. It takes name=value."],
    [['start', '--log-level', 'loud'], "argument 'loud' is invalid"],
    [['start', '--frobnicate'], "unknown option '--frobnicate'"],
    [['format', '-c', 'x.properties'], "required option '-t, --cluster-id <id>' not specified"],
    [['format', '-t', 'x'], "required option '-c, --config <server.properties>' not specified"],
    [['format', '-t', 'a b', '-c', 'x'], "argument 'a b' is invalid. It is one word"],
    [['format', '-t', 'x', '-c', 'x', '-N', '-I', '1@a:1:x'], 'cannot be used with'],
    [['format', '-t', 'x', '-c', 'x', '-s', '-N'], 'cannot be used with'],
  ] as const)
    it(`complains about ${args.slice(1).join(' ')} and exits with 1`, () => {
      const { result, printed } = captured(() => parseArguments(args, '1.2.3'))
      expect(result).to.deep.equal({ exitCode: 1 })
      expect(printed).to.contain(text)
    })

  it('help and version end well', () => {
    const help = captured(() => parseArguments(['--help'], '1.2.3'))
    expect(help.result).to.deep.equal({ exitCode: 0 })
    expect(help.printed).to.contain('Examples:')
    expect(captured(() => parseArguments(['--version'], '1.2.3')).printed).to.equal('1.2.3\n')
  })
})
