import { readdirSync } from 'node:fs'
import { expect } from 'chai'
import { apiByKey, apis } from './index.ts'

describe('the list of apis', () => {
  it('rises by key, each once', () => {
    const keys = apis.map((api) => api.key)
    expect(keys).to.deep.equal([...new Set(keys)].sort((a, b) => a - b))
    for (const api of apis) expect(apiByKey.get(api.key)).to.equal(api)
  })

  it('has one file an api, of the same name', () => {
    const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && !name.startsWith('index'))
    const names = apis.map((api) => `${api.name.replace(/(?<=.)[A-Z]/g, '-$&').toLowerCase()}.ts`)
    expect(files.sort()).to.deep.equal(names.sort())
  })
})
