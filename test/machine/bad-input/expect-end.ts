import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { FailureClass } from '../../../config/errors.ts'
import { expectNoStackTrace } from '../../expect-no-stack-trace.ts'
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

/** Exit 1, the limit that was reached, the way out, no stack trace. */
export function expectTimedOut(run: Run, reason: string): void {
  expect(run.output).toContain(reason)
  expect(run.output).toContain('hint: give it a longer `timeout`')
  expect(run.record).toMatchObject({ verdict: 'timed-out', reason: expect.stringContaining(reason) })
  expectNoStackTrace(run.output)
  expect(run.code).toBe(1)
}

/** The lines that show why are in the record, and in what a person reads. */
export function expectEvidence(run: Run, line: RegExp): void {
  const shown = run.record?.evidence.find((one) => line.test(one))
  expect(shown, `a line like ${line} among ${run.record?.evidence.join('\n')}`).toBeDefined()
  expect(run.output).toMatch(line)
}

/** What a run has fetched back under this path; undefined where it has not. */
export async function artifactText(
  { folder }: Pick<Run, 'folder'>,
  path: string,
): Promise<string | undefined> {
  const file = join(folder, 'artifacts', path)
  return existsSync(file) ? await readFile(file, 'utf8') : undefined
}
