import { readFileSync } from 'node:fs'

/** Files and sockets that this process may have open at a time; Infinity where the system sets, or tells, no limit. */
export function openFilesLimit(): number {
  if (process.platform === 'win32') return Number.POSITIVE_INFINITY
  return process.platform === 'linux' ? limitOf(readFileSync('/proc/self/limits', 'utf8')) : reportedLimit()
}

/** The soft limit, which Node.js raises to the hard one at its start. Unlimited, or another text: Infinity. */
export function limitOf(limits: string): number {
  const soft = /^Max open files +(\d+)/m.exec(limits)?.[1]
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
}

/** Slower, and the same on every Unix. */
function reportedLimit(): number {
  const { report } = process
  if (report === undefined) return Number.POSITIVE_INFINITY
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft: number | 'unlimited' } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}
