import { createRequire } from 'node:module'

type Re2 = typeof import('re2js')

let loaded: Re2 | undefined

/**
 * The library for regular expressions that clients send: it takes linear time for any of them. Loaded with the first
 * one: it is a fifth of all code, and few clients send one.
 */
function re2(): Re2 {
  loaded ??= createRequire(import.meta.url)('re2js') as Re2
  return loaded
}

/** Compiles a regular expression of RE2. Returns what is wrong with it as a text. */
export function compileRe2(regex: string): { matches(text: string): boolean } | string {
  const { RE2JS, RE2JSSyntaxException } = re2()
  try {
    return RE2JS.compile(regex)
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error
    return error.getDescription()
  }
}
