import { expect } from 'vitest'
import type { FailureClass } from '../../../config/errors.ts'
import type { Run } from '../mayfly.ts'

type Expected = {
  readonly failure: FailureClass
  /** Parts of what a person reads: the thing, and the way out. */
  readonly says: readonly string[]
}

/** Exit 3, the class that was seen from outside the guest, words that a person can use, no stack trace. */
export function expectErrored(run: Run, { failure, says }: Expected): void {
  for (const text of says) expect(run.output).toContain(text)
  expect(run.record).toMatchObject({ verdict: 'errored', failure })
  expect(run.record?.hint).toMatch(/\S/)
  expectNoStackTrace(run.output)
  expect(run.code).toBe(3)
}

export function expectNoStackTrace(output: string): void {
  expect(output).not.toMatch(/^ {4}at /m)
  expect(output).not.toContain("an error of Mayfly's own")
}
