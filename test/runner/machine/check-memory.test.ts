import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, InfraError } from '../../../config/errors.ts'
import { checkMemory } from '../../../runner/machine/check-memory.ts'

const GiB = 2 ** 30
let folder: string
let meminfo: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-memory-'))
  meminfo = join(folder, 'meminfo')
  const lines = ['MemTotal:        8388608 kB', 'MemFree:          111111 kB', 'MemAvailable:    3145728 kB']
  await writeFile(meminfo, `${lines.join('\n')}\n`)
})
afterEach(() => rm(folder, { recursive: true }))

const refusal = (memory: number) => checkMemory(memory, meminfo).catch((error: unknown) => error)

describe('checkMemory', () => {
  it('lets a machine start that fits into what is free, with what QEMU takes beside it', async () => {
    expect(await refusal(2 * GiB)).toBeUndefined()
    expect(await refusal(3 * GiB - 2 ** 28)).toBeUndefined()
  })

  it('refuses one that does not fit now, which another time may', async () => {
    const error = await refusal(3 * GiB)
    expect(error).toBeInstanceOf(InfraError)
    expect(error).toMatchObject({
      class: 'boot',
      message: 'the job asks for 3 GiB of memory, this host has 3 GiB free',
    })
  })

  it('refuses one that this host can never hold, which is the user’s to mend', async () => {
    const error = await refusal(8 * GiB)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error).toMatchObject({ message: 'the job asks for 8 GiB of memory, this host has 8 GiB in all' })
  })

  it('does not stand in the way where the kernel does not say', async () => {
    await writeFile(meminfo, 'MemFree: 1 kB\n')
    expect(await refusal(64 * GiB)).toBeUndefined()
  })
})
