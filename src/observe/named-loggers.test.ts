import { expect } from 'chai'
import { loggerOf, NamedLoggers, ROOT_LOGGER } from './named-loggers.ts'

function rig() {
  const lines: string[] = []
  const write = (_: object, line: string) => lines.push(line)
  const loggers = new NamedLoggers({ error: write, warn: write, info: write, debug: write }, 'INFO')
  const said = (name: string) => {
    const logger = loggers.named(name)
    for (const method of ['error', 'warn', 'info', 'debug'] as const) logger[method]({}, method)
    return lines.splice(0)
  }
  return { loggers, said }
}

describe('named loggers', () => {
  it('have the level of the root unless they have one', () => {
    const { loggers, said } = rig()
    expect(said(loggerOf.logs)).to.deep.equal(['error', 'warn', 'info'])
    loggers.setLevel(ROOT_LOGGER, 'ERROR')
    loggers.setLevel(loggerOf.connections, 'DEBUG')
    expect(said(loggerOf.logs)).to.deep.equal(['error'])
    expect(said(loggerOf.connections)).to.deep.equal(['error', 'warn', 'info', 'debug'])
    loggers.setLevel(loggerOf.connections, null)
    expect(said(loggerOf.connections)).to.deep.equal(['error'])
  })

  it('change while their owners keep them', () => {
    const { loggers, said } = rig()
    loggers.setLevel(ROOT_LOGGER, 'FATAL')
    expect(said(ROOT_LOGGER)).to.deep.equal([])
    loggers.setLevel(ROOT_LOGGER, null)
    expect(loggers.levelOf(ROOT_LOGGER)).to.equal('FATAL')
    loggers.setLevel(ROOT_LOGGER, 'TRACE')
    expect(said(ROOT_LOGGER)).to.have.length(4)
  })

  it('add the fields of their owner to each line', () => {
    const lines: object[] = []
    const write = (fields: object) => lines.push(fields)
    const loggers = new NamedLoggers({ error: write, warn: write, info: write, debug: write }, 'INFO')
    const logger = loggers.named(loggerOf.logs, { nodeId: 2 })
    logger.info({ topic: 't' }, 'said')
    expect(lines).to.deep.equal([{ nodeId: 2, topic: 't' }])
  })

  it('are listed with the level in force', () => {
    const { loggers } = rig()
    loggers.setLevel(loggerOf.logs, 'WARN')
    const listed = loggers.names.map((name) => [name, loggers.levelOf(name)])
    expect(listed).to.deep.include(['root', 'INFO']).and.deep.include([loggerOf.logs, 'WARN'])
    expect(loggers.has('no.such.logger')).to.equal(false)
  })
})
