/*
 * The syntax of a Java properties file (java.util.Properties.load):
 *   natural line   up to \n, \r or \r\n; an odd number of backslashes before that joins the next line, less its indent
 *   comment        first visible character is # or !; a comment is never joined
 *   key            up to the first unescaped =, : or white space; white space and one = or : go before the value
 *   escapes        \t \n \r \f \uXXXX; before anything else the backslash just vanishes
 */
const blank = ' \t\f'

/** The settings of a file in its order; the last one of the same name wins. Errors: a malformed \u escape throws. */
export function parseProperties(text: string): Map<string, string> {
  const settings = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const [key, value] = splitLine(line)
    settings.set(withoutEscapes(key), withoutEscapes(value))
  }
  return settings
}

/** Hint for an error about a value that is followed by a comment; empty if there is no comment. */
export function commentHint(value: string): string {
  const comment = /\s([#!].*)$/.exec(value)?.[1]
  return comment === undefined ? '' : `; put the comment on its own line: "${comment}"`
}

function logicalLines(text: string): string[] {
  const lines: string[] = []
  let open: string | undefined
  for (const natural of text.split(/\r\n|\n|\r/)) {
    const line = trimIndent(natural)
    if (open === undefined && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const joined = (open ?? '') + line
    open = endsOpen(line) ? joined.slice(0, -1) : undefined
    if (open === undefined) lines.push(joined)
  }
  if (open !== undefined) lines.push(open)
  return lines
}

function trimIndent(line: string): string {
  let at = 0
  while (at < line.length && blank.includes(line[at] as string)) at++
  return line.slice(at)
}

function endsOpen(line: string): boolean {
  let slashes = 0
  while (line[line.length - 1 - slashes] === '\\') slashes++
  return slashes % 2 === 1
}

function splitLine(line: string): [string, string] {
  let end = 0
  while (end < line.length && !`=:${blank}`.includes(line[end] as string)) end += line[end] === '\\' ? 2 : 1
  let start = end
  while (start < line.length && blank.includes(line[start] as string)) start++
  if (line[start] === '=' || line[start] === ':') start++
  while (start < line.length && blank.includes(line[start] as string)) start++
  return [line.slice(0, end), line.slice(start)]
}

const named: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function withoutEscapes(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|u|[\s\S]|$)/g, (_, escaped: string) => {
    if (escaped === 'u') throw new Error('malformed \\uXXXX escape in a properties file')
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return named[escaped] ?? escaped
  })
}
