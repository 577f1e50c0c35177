import fs from 'node:fs'
import type { FileLock } from './host.ts'

/*
 * Node has no flock, so the lock is a file that names its owner: pid and the time at which that process started. The
 * time tells a live process from a later one with the same pid: in a container every broker has pid 1.
 * A killed owner leaves the file behind; the next process sees that the owner is gone and takes the lock over.
 */

/** Takes the lock, or returns undefined if a live process (this one included) has it. */
export function lockFile(file: string): FileLock | undefined {
  const owner = ownerText()
  if (!createExclusively(file, owner) && !takeOver(file, owner)) return undefined
  return {
    release: () => {
      if (readIfThere(file) === owner) fs.rmSync(file, { force: true })
    },
  }
}

/** Replaces the file of a dead owner. A second lock keeps two processes from replacing each other's new file. */
function takeOver(file: string, owner: string): boolean {
  const guard = `${file}.takeover`
  if (isHeld(file)) return false
  if (!createExclusively(guard, owner)) {
    if (isHeld(guard)) return false
    fs.rmSync(guard, { force: true })
    if (!createExclusively(guard, owner)) return false
  }
  try {
    if (isHeld(file)) return false
    fs.rmSync(file, { force: true })
    return createExclusively(file, owner)
  } finally {
    fs.rmSync(guard, { force: true })
  }
}

function createExclusively(file: string, content: string): boolean {
  // Written under another name and linked: the file never appears without content. Some file systems have no links.
  const aside = `${file}.${process.pid}`
  try {
    fs.writeFileSync(aside, content)
    fs.linkSync(aside, file)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EOPNOTSUPP') throw error
    return createWithoutLink(file, content)
  } finally {
    fs.rmSync(aside, { force: true })
  }
}

function createWithoutLink(file: string, content: string): boolean {
  try {
    fs.writeFileSync(file, content, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** An empty or foreign file (Kafka leaves an empty .lock behind) is no lock. */
function isHeld(file: string): boolean {
  const [pidText, started] = (readIfThere(file) ?? '').trim().split(' ')
  const pid = Number(pidText)
  if (!Number.isInteger(pid) || pid <= 0 || started === undefined) return false
  return pid === process.pid ? started === ownStart() : isAlive(pid) && (startOf(pid) ?? started) === started
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function ownerText(): string {
  return `${process.pid} ${ownStart()}\n`
}

function ownStart(): string {
  return startOf(process.pid) ?? String(Math.floor(performance.timeOrigin))
}

/** Start of a process in clock ticks since boot, from Linux's /proc; undefined if it is not there. */
function startOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`)
  // The second field, the name in parentheses, may hold spaces; the start is the 22nd.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
