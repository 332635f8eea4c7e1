import { cleanText } from '../../../runner/logs/clean-text.ts'

/**
 * Somebody else's words for one line of a person's terminal: no escape sequence, no control character, no line break,
 * and nothing that turns the direction of what stands after it.
 */
export function oneLine(text: string): string {
  return cleanText(text)
    .replace(/\s+/g, ' ')
    .replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
}
