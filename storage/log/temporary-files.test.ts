import { expect } from 'chai'
import { MemoryFiles } from '../host/memory-files.ts'
import { silentStorageLogger } from '../storage-logger.ts'
import { tidyTemporaryFiles } from './temporary-files.ts'

const BASE = '00000000000000000000'

/** Files left from these contents, by name. */
function tidied(contents: Readonly<Record<string, string>>): Record<string, string> {
  const files = new MemoryFiles()
  files.makeDirectory('/log')
  for (const [name, content] of Object.entries(contents)) files.replaceWhole(`/log/${BASE}${name}`, content)
  tidyTemporaryFiles(files, '/log', silentStorageLogger)
  const left = files
    .list('/log')
    .map((name) => [name.slice(BASE.length), `${files.readWhole(`/log/${name}`)}`] as const)
  return Object.fromEntries(left.sort())
}

describe('files that compaction left', () => {
  it('are finished where the new log file was whole', () => {
    expect(tidied({ '.log': 'old', '.index': 'old', '.log.swap': 'new', '.index.swap': 'new' })).to.deep.equal({
      '.index': 'new',
      '.log': 'new',
    })
  })

  it('are removed where renaming was under way', () => {
    const found = { '.log': 'old', '.index': 'old', '.log.cleaned': 'new', '.index.swap': 'new' }
    expect(tidied(found)).to.deep.equal({ '.index': 'old', '.log': 'old' })
  })

  it('never give a log the index of another: a rename had failed, and the new log file was removed', () => {
    const found = { '.log': 'old', '.index': 'old', '.index.swap': 'new', '.timeindex.swap': 'new' }
    expect(tidied({ ...found, '.timeindex': 'old' })).to.deep.equal({
      '.index': 'old',
      '.log': 'old',
      '.timeindex': 'old',
    })
  })

  it('are an index to be kept where the new log file has its name already', () => {
    expect(tidied({ '.log': 'new', '.index.swap': 'new' })).to.deep.equal({ '.index': 'new', '.log': 'new' })
  })
})
