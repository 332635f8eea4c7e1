import { expect } from 'vitest'

/** What a person was told is meant for a person: no stack, and no error that nobody thought of. */
export function expectNoStackTrace(output: string): void {
  expect(output).not.toMatch(/^ {4}at /m)
  expect(output).not.toContain("an error of Mayfly's own")
}
