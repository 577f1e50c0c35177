/** A line lists this many names and counts the rest. */
const NAMES_IN_A_LINE = 5

/** `a`, `a and b`, `a, b and c`; a long list ends with a count. */
export function listed(names: readonly string[]): string {
  if (names.length > NAMES_IN_A_LINE)
    return `${names.slice(0, NAMES_IN_A_LINE - 1).join(', ')} and ${names.length - NAMES_IN_A_LINE + 1} more`
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
