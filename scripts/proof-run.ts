import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** A part of a proof: units numbered from 0, each of which depends only on the seed and its number. */
export interface ProofPart {
  readonly name: string
  readonly units: number
  /** Units between two checks of the clock, and between two writes of the state. */
  readonly chunk: number
  /**
   * Runs units from `first` up to but not including `end`; returns a line for each failed one, with the command that
   * repeats it.
   */
  run(first: number, end: number, seed: number): Promise<readonly string[]>
}

/** Progress of a run, kept between processes. */
export interface ProofState {
  /** Commit under test; a run continues only with the same. */
  readonly commit: string
  readonly seed: number
  /** Completed units by part. */
  readonly done: Readonly<Record<string, number>>
  readonly failures: readonly string[]
  /** Time spent so far, over all processes. */
  readonly seconds: number
}

export interface ProofRun {
  readonly parts: readonly ProofPart[]
  readonly stateFile: string
  readonly commit: string
  readonly seed: number
  /** Monotonic, in milliseconds. */
  readonly clock: () => number
  readonly onProgress?: (state: ProofState, part: ProofPart) => void
  /** Checked between chunks: true interrupts the run, which can continue later. */
  readonly isOver?: () => boolean
}

/** After this many failures a part ends: the first ones show the cause. */
const FAILURES_ENOUGH = 40

/** Runs the rest of a proof and keeps its state after each chunk. Returns the state at the end; see `isWhole`. */
export async function runProof(run: ProofRun): Promise<ProofState> {
  let state = resumed(run)
  for (const part of run.parts) {
    for (;;) {
      const first = state.done[part.name] ?? 0
      const isOver = first >= part.units || state.failures.length >= FAILURES_ENOUGH || run.isOver?.()
      if (isOver) break
      run.onProgress?.(state, part)
      const end = Math.min(part.units, first + part.chunk)
      const startedMs = run.clock()
      const failures = await part.run(first, end, run.seed)
      state = {
        ...state,
        done: { ...state.done, [part.name]: end },
        failures: [...state.failures, ...failures],
        seconds: state.seconds + (run.clock() - startedMs) / 1000,
      }
      keep(run.stateFile, state)
    }
  }
  return state
}

/** True if all units of all parts have run. */
export function isWhole(parts: readonly ProofPart[], { done }: ProofState): boolean {
  return parts.every(({ name, units }) => (done[name] ?? 0) >= units)
}

function resumed({ stateFile, commit, seed }: ProofRun): ProofState {
  const anew: ProofState = { commit, seed, done: {}, failures: [], seconds: 0 }
  try {
    const kept = JSON.parse(readFileSync(stateFile, 'utf8')) as ProofState
    return kept.commit === commit && kept.seed === seed ? kept : anew
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return anew
    throw error
  }
}

function keep(stateFile: string, state: ProofState): void {
  mkdirSync(dirname(stateFile), { recursive: true })
  writeFileSync(`${stateFile}.tmp`, JSON.stringify(state, undefined, 2))
  renameSync(`${stateFile}.tmp`, stateFile)
}

/** A row for the table of runs in docs/proofs.md. */
export function proofRow(name: string, parts: readonly ProofPart[], state: ProofState, date: string): string {
  const units = parts.map((part) => `${(state.done[part.name] ?? 0).toLocaleString('en-US')} ${part.name}`)
  const failed = state.failures.length === 0 ? 'none' : String(state.failures.length)
  const minutes = Math.max(1, Math.round(state.seconds / 60))
  return `| ${name} | ${units.join(', ')} | ${state.seed} | ${state.commit} | ${failed} | ${minutes} min | ${date} |`
}
