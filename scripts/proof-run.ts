import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** A part of a proof: units that are numbered from 0, each of which depends on the seed and its number alone. */
export interface ProofPart {
  readonly name: string
  readonly units: number
  /** Units between two looks at the clock, and two writes of the state. */
  readonly chunk: number
  /** Runs units from `first` up to and without `end`; answers a line for each that failed, with the command that repeats it. */
  run(first: number, end: number, seed: number): Promise<readonly string[]>
}

/** How far a run is, as it is kept between processes. */
export interface ProofState {
  /** What was run; a run goes on only with the same. */
  readonly commit: string
  readonly seed: number
  /** Units done, by part. */
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
  /** Asked between chunks: true ends the run, which goes on another time. */
  readonly isOver?: () => boolean
}

/** Failures after which a part is not tried further: the first say why. */
const FAILURES_ENOUGH = 40

/** Runs what is left of a proof and keeps its state after each chunk. The state at the end; see `isWhole`. */
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

/** True where all units of all parts were run. */
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

/** A line of the table of runs in docs/proofs.md. */
export function proofRow(name: string, parts: readonly ProofPart[], state: ProofState, date: string): string {
  const units = parts.map((part) => `${(state.done[part.name] ?? 0).toLocaleString('en-US')} ${part.name}`)
  const failed = state.failures.length === 0 ? 'none' : String(state.failures.length)
  const minutes = Math.max(1, Math.round(state.seconds / 60))
  return `| ${name} | ${units.join(', ')} | ${state.seed} | ${state.commit} | ${failed} | ${minutes} min | ${date} |`
}
