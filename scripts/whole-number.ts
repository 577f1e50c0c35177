import { InvalidArgumentError } from 'commander'

/** Parses a script option: a whole number, 0 or more. */
export function wholeNumber(text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= 0) return number
  throw new InvalidArgumentError('It takes a whole number.')
}
