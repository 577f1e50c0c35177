import { expect } from 'chai'
import { processLogger } from './process-logger.ts'

/** The text on the terminal for this message. */
function shown(level: 'error' | 'warn' | 'info', fields: object, message: string): string {
  let text = ''
  const stderr = { isTTY: false, write: (chunk: string) => (text += chunk) } as unknown as NodeJS.WriteStream
  processLogger({ file: undefined }, stderr)[level](fields, message)
  return text
}

describe('the log of a broker, on a terminal', () => {
  it('tells where and why in one line, but nothing twice', () => {
    const fields = { partition: 'a-0', file: '/data/a-0/1.log', position: 300, reason: 'too short\n  at more' }
    expect(shown('warn', fields, 'a log was cut')).to.equal(
      'ottla warn: a log was cut (partition a-0, file /data/a-0/1.log, position 300, reason too short)\n',
    )
    expect(shown('error', { client: '::1:80' }, 'refused ::1:80')).to.equal('ottla error: refused ::1:80\n')
  })

  it('shows the stack of an error, and no fields that only programs understand', () => {
    const err = new Error('broken')
    expect(shown('error', { err, api: { key: 1 } }, 'it failed')).to.equal(`ottla error: it failed\n${err.stack}\n`)
  })

  it('is silent about what is not amiss', () => {
    expect(shown('info', { partition: 'a-0' }, 'all is well')).to.equal('')
  })
})
