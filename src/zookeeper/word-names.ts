/** Words that a client may send instead of asking for a session. Source: FourLetterCommands. */
const words = [
  ...['conf', 'cons', 'crst', 'dirs', 'dump', 'envi', 'gtmk', 'ruok', 'stmk', 'srvr', 'srst', 'stat', 'wchc', 'wchp'],
  ...['wchs', 'mntr', 'isro'],
] as const

/** A four-letter word. */
export type Word = (typeof words)[number]

/** Whether the bytes are a word. No frame has a size like that. */
export function isKnownWord(bytes: Buffer): boolean {
  return (words as readonly string[]).includes(bytes.toString('latin1'))
}
