import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { isWhole, type ProofPart, type ProofRun, proofRow, runProof } from './proof-run.ts'

describe('a proof', () => {
  let directory: string
  let ran: string[]
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ottla-proof-'))
    ran = []
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const part = (name: string, units: number, fails: readonly number[] = []): ProofPart => ({
    name,
    units,
    chunk: 4,
    async run(first, end, seed) {
      ran.push(`${name} ${first}-${end} of ${seed}`)
      return fails.filter((each) => each >= first && each < end).map((each) => `${name} ${each}`)
    },
  })
  const runOf = (parts: readonly ProofPart[], changes: Partial<ProofRun> = {}): ProofRun => {
    let ms = 0
    const clock = () => (ms += 30_000)
    return { parts, stateFile: join(directory, 'state/some.json'), commit: 'abc', seed: 7, clock, ...changes }
  }

  it('runs each unit of each part once, in chunks', async () => {
    const parts = [part('one', 6), part('two', 3)]
    const state = await runProof(runOf(parts))
    expect(ran).to.deep.equal(['one 0-4 of 7', 'one 4-6 of 7', 'two 0-3 of 7'])
    expect([state.done, state.failures, state.seconds]).to.deep.equal([{ one: 6, two: 3 }, [], 90])
    expect(isWhole(parts, state)).to.equal(true)
  })

  it('goes on where it was interrupted, with the time and the failures so far', async () => {
    const parts = [part('one', 12, [1, 9])]
    let chunks = 0
    const state = await runProof(runOf(parts, { isOver: () => chunks++ === 1 }))
    expect(isWhole(parts, state)).to.equal(false)
    const end = await runProof(runOf(parts))
    expect(ran).to.deep.equal(['one 0-4 of 7', 'one 4-8 of 7', 'one 8-12 of 7'])
    expect([end.failures, end.seconds]).to.deep.equal([['one 1', 'one 9'], 90])
    expect(proofRow('some', parts, end, 'today')).to.equal('| some | 12 one | 7 | abc | 2 | 2 min | today |')
  })

  for (const [what, changes] of [
    ['commit', { commit: 'def' }],
    ['seed', { seed: 8 }],
  ] as const) {
    it(`begins anew with another ${what}`, async () => {
      const parts = [part('one', 4)]
      await runProof(runOf(parts))
      await runProof(runOf(parts, changes))
      expect(ran).to.have.length(2)
    })
  }
})
