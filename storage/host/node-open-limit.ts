import { readFileSync } from 'node:fs'

/** Limit of open files and sockets of this process; Infinity if the system has no limit or does not tell it. */
export function openFilesLimit(): number {
  if (process.platform === 'win32') return Number.POSITIVE_INFINITY
  return process.platform === 'linux' ? limitOf(readFileSync('/proc/self/limits', 'utf8')) : reportedLimit()
}

/** The soft limit, which Node.js raises to the hard limit at its start. Infinity for "unlimited" or any other text. */
export function limitOf(limits: string): number {
  const soft = /^Max open files +(\d+)/m.exec(limits)?.[1]
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
}

/** Slower, but works on every Unix. */
function reportedLimit(): number {
  const { report } = process
  if (report === undefined) return Number.POSITIVE_INFINITY
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft: number | 'unlimited' } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}
