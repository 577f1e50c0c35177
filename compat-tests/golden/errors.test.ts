import { expect } from 'chai'
import { errorTable } from '../../protocol/error-codes.ts'
import { needs } from '../requirements.ts'
import { messageBytes } from './message-bytes.ts'

describe('the table of errors', () => {
  needs('java', 'maven')

  it("is that of Kafka's class Errors: codes, names, which are retriable, messages", async function () {
    this.timeout(600_000) // the jars are downloaded if they are missing
    const lines = (await messageBytes('4.4.0', 'errors')).trim().split('\n')
    const theirs = lines.map((line) => {
      const [code, name, retriable, message] = line.split('\t')
      // NONE is not an exception; its message is its own name.
      return [Number(code), name, retriable === 'true', name === 'NONE' ? null : message]
    })
    const ours = Object.entries(errorTable).map(([name, each]) => [each.code, name, each.retriable, each.message])
    expect(ours).to.deep.equal(theirs)
  })
})
