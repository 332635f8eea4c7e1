import { describe, expect, it } from 'vitest'
import { parseSmapsRollup, qemuMemory } from './qemu-memory.ts'

describe('the memory of a QEMU', () => {
  it('is read from its smaps_rollup, in bytes', () => {
    const text = `55d0a1c00000-7ffd3c5f0000 ---p 00000000 00:00 0                          [rollup]
Rss:              204800 kB
Pss:              102400 kB
Pss_Dirty:         81920 kB
Shared_Dirty:          4 kB
Private_Clean:         8 kB
Private_Dirty:     51200 kB
`
    expect(parseSmapsRollup(text)).toEqual({ rss: 200 * 2 ** 20, pss: 100 * 2 ** 20, private: 50 * 2 ** 20 })
  })

  it('is more than nothing for one that runs, and unknown for one that does not', async () => {
    expect((await qemuMemory(process.pid)).private).toBeGreaterThan(2 ** 20)
    expect(await qemuMemory(undefined)).toEqual({ rss: undefined, pss: undefined, private: undefined })
  })
})
