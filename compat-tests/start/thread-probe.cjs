// Loaded into a process with NODE_OPTIONS=--require: instead of ending, it prints how many file operations it does at a
// time. Reads of empty pipes take a thread each; the last read that has one ends once its pipe gets a byte.
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const MOST = 12
const exit = process.exit

process.exit = () => {
  process.exit = () => {}
  process.on('uncaughtException', () => {})
  countThreads()
  throw new Error('held for the count')
}

function countThreads() {
  const directory = fs.mkdtempSync(join(tmpdir(), 'ottla-test-'))
  const paths = Array.from({ length: MOST }, (_, index) => join(directory, `${index}`))
  execFileSync('mkfifo', paths)
  const pipes = paths.map((path) => fs.openSync(path, 'r+'))
  fs.rmSync(directory, { recursive: true })
  let isFound = false
  for (const [index, pipe] of pipes.entries()) {
    fs.read(pipe, Buffer.alloc(1), 0, 1, null, () => {
      if (!isFound) fs.writeSync(1, `threads: ${index + 1}\n`)
      isFound = true
    })
  }
  const feed = (index) => {
    fs.writeSync(pipes[index], 'x')
    if (index === 0 || isFound) {
      for (const pipe of pipes) fs.writeSync(pipe, 'x')
      exit(0)
    }
    setTimeout(() => feed(index - 1), 50)
  }
  feed(MOST - 1)
}
