import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { it } from 'vitest'

type Fuzz<Case> = {
  /** Names its corpus, `test/fuzz/corpus/<target>.json`. */
  readonly target: string
  /** Of values that JSON keeps as they are: bytes as base64, no undefined, no dates. */
  readonly cases: fc.Arbitrary<Case>
  /** Makes what the cases need, in each of the two tests, whose end it may wait for. */
  readonly prepare?: () => Promise<void>
  /** Throws where a case does not hold. */
  readonly holds: (value: Case) => void | Promise<void>
}

/**
 * Makes the tests of a target: that what was found before holds, and that as many new cases as are asked for do. A case
 * that does not hold is made small, and is put into the corpus, from where every later run takes it up first.
 *
 * `MAYFLY_FUZZ_CASES` says how many (10,000), `MAYFLY_FUZZ_SEED` which (others each time); `npm run fuzz` sets both.
 */
export function fuzz<Case>({ target, cases, prepare, holds }: Fuzz<Case>): void {
  const number = Number(process.env.MAYFLY_FUZZ_CASES ?? 10_000)
  const seed = process.env.MAYFLY_FUZZ_SEED

  it(`${target}: holds for what was found before`, async () => {
    await prepare?.()
    for (const value of corpusOf(target)) await holds(value as Case)
  })

  it(`${target}: holds for ${number} cases`, async () => {
    await prepare?.()
    const property = fc.asyncProperty(cases, async (value) => {
      await holds(value)
    })
    const run = await fc.check(property, {
      numRuns: number,
      ...(seed !== undefined && { seed: Number(seed) }),
    })
    if (!run.failed) return
    if (run.counterexample !== null) await keep(target, run.counterexample[0])
    const again = `npm run fuzz -- --target ${target} --seed ${run.seed} --cases ${number}`
    throw new Error(`${fc.defaultReportMessage(run)}\nIt is in ${pathOf(target)} now. Again: ${again}`, {
      cause: run.errorInstance,
    })
  })
}

function pathOf(target: string): string {
  return join(import.meta.dirname, 'corpus', `${target}.json`)
}

function corpusOf(target: string): unknown[] {
  return existsSync(pathOf(target)) ? JSON.parse(readFileSync(pathOf(target), 'utf8')) : []
}

async function keep(target: string, value: unknown): Promise<void> {
  const texts = new Set([...corpusOf(target), value].map((each) => JSON.stringify(each)))
  await writeFile(pathOf(target), `[\n${[...texts].map((text) => `  ${text}`).join(',\n')}\n]\n`)
}
