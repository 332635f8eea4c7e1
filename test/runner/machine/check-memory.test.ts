import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, InfraError } from '../../../config/errors.ts'
import { checkMemory, NoMemory } from '../../../runner/machine/check-memory.ts'
import { memoryNeed } from '../../../runner/machine/memory-need.ts'

const GiB = 2 ** 30
const own = 2 ** 28
let proc: string
beforeEach(async () => {
  proc = await mkdtemp(join(tmpdir(), 'mayfly-memory-'))
  const lines = ['MemTotal:        8388608 kB', 'MemFree:          111111 kB', 'MemAvailable:    3145728 kB']
  await writeFile(join(proc, 'meminfo'), `${lines.join('\n')}\n`)
})
afterEach(() => rm(proc, { recursive: true }))

const refusal = (guest: number, outstanding = 0) =>
  checkMemory({ need: { guest, own }, outstanding, proc }).catch((error: unknown) => error)

describe('checkMemory', () => {
  it('lets a machine start that fits into what is free, with what QEMU takes beside it', async () => {
    expect(await refusal(2 * GiB)).toBeUndefined()
    expect(await refusal(3 * GiB - own)).toBeUndefined()
  })

  it('refuses one that does not fit now, which another time may', async () => {
    const error = await refusal(3 * GiB)
    expect(error).toBeInstanceOf(InfraError)
    expect(error).toMatchObject({
      class: 'boot',
      message: "the job asks for 3 GiB of memory, this host has 3 GiB free (with QEMU's own 256 MiB)",
      hint: expect.stringContaining('end something else'),
    })
  })

  it('does not give what was promised to others, and says how much that is', async () => {
    expect(await refusal(2 * GiB - own, GiB)).toBeUndefined()
    const error = await refusal(2 * GiB, GiB)
    expect(error).toBeInstanceOf(NoMemory)
    expect(error).toMatchObject({
      message: expect.stringContaining('has 3 GiB free, of which 1 GiB are promised to machines that run'),
    })
    expect(await refusal(1, 5 * GiB)).toBeInstanceOf(NoMemory)
  })

  it('refuses one that this host can never hold, which is the user’s to mend', async () => {
    const error = await refusal(8 * GiB)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error).toMatchObject({
      message: expect.stringContaining('the job asks for 8 GiB of memory, this host has 8 GiB in all'),
    })
  })

  it('does not stand in the way where the kernel does not say', async () => {
    await writeFile(join(proc, 'meminfo'), 'MemFree: 1 kB\n')
    expect(await refusal(64 * GiB)).toBeUndefined()
  })
})

describe('what a machine needs', () => {
  it('is more where QEMU has to keep the code that it translates', () => {
    expect(memoryNeed(GiB, 'kvm')).toEqual({ guest: GiB, own: 256 * 2 ** 20 })
    expect(memoryNeed(GiB, 'tcg')).toEqual({ guest: GiB, own: 768 * 2 ** 20 })
  })
})
