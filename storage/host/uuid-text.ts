import type { Random } from './host.ts'

/**
 * A version 4 uuid in Kafka's text form of 22 characters. Never one that starts with '-': a command line would
 * take it for an option. Source: Uuid.randomUuid.
 */
export function uuidText(random: Random): string {
  for (;;) {
    const bytes = random.bytes(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const text = bytes.toString('base64url')
    if (!text.startsWith('-')) return text
  }
}
