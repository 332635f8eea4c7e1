import { describe, expect, inject, it } from 'vitest'
import { ensureParts } from '../../faults/ensure-parts.ts'
import { runFaults } from '../../faults/run-faults.ts'

/** Another one each day, and the same all day: what it finds can be run again. */
const seed = Math.floor(Date.now() / 86_400_000)

describe('an installation whose parts are killed and cut off while jobs run', () => {
  it('loses nothing, does nothing twice and leaves nothing behind', async () => {
    const sharedData = inject('sharedData')
    await ensureParts(sharedData)
    const said: string[] = []
    const outcome = await runFaults({ seed, faults: 10, jobs: 6, sharedData, say: (line) => said.push(line) })
    const { lost, doubled, orphaned } = outcome
    expect({ lost, doubled, orphaned }, `seed ${seed}\n${said.join('\n')}`).toEqual({
      ...{ lost: [], doubled: [], orphaned: [] },
    })
    expect(outcome.faults).toBe(10)
    expect(outcome.jobs).toBeGreaterThanOrEqual(6)
    await outcome.close()
  })
})
