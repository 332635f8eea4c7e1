import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { diskShortage } from '../../../runner/host/disk-shortage.ts'
import { memoryShortage } from '../../../runner/host/memory-shortage.ts'

const GiB = 2 ** 30

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-shortage-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

describe('diskShortage', () => {
  it('names the folder whose disk has too little room, and nothing where there is enough', async () => {
    const folder = await aFolder()
    expect(await diskShortage({ folders: [folder], least: 1 })).toBeUndefined()
    const said = await diskShortage({ folders: ['/proc', folder], least: 2 ** 60 })
    expect(said).toMatch(/ has .* free, of at least /)
  })

  it('says nothing of a folder that is not there yet', async () => {
    expect(await diskShortage({ folders: [join(await aFolder(), 'no')], least: 2 ** 60 })).toBeUndefined()
  })
})

describe('memoryShortage', () => {
  const proc = async (meminfo: string, pressure?: string) => {
    const folder = await aFolder()
    await writeFile(join(folder, 'meminfo'), meminfo)
    if (pressure === undefined) return folder
    await mkdir(join(folder, 'pressure'))
    await writeFile(join(folder, 'pressure', 'memory'), pressure)
    return folder
  }
  const available = (kibibytes: number) => `MemTotal: 8388608 kB\nMemAvailable:    ${kibibytes} kB\n`
  const stalled = (full: string) =>
    `some avg10=90.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=${full} avg60=0.00 avg300=0.00 total=1\n`

  it.each([
    [undefined, 3 * 1048576, '0.00'],
    ['the host waited for memory in 41.5 % of the last ten seconds, of at most 40 %', 3 * 1048576, '41.50'],
    ['the host has 512 MiB of memory available, of at least 1 GiB', 524288, '0.00'],
    ['the host has 512 MiB of memory available, of at least 1 GiB', 524288, undefined],
    [undefined, 3 * 1048576, undefined],
  ])('says %j', async (said, kibibytes, full) => {
    const folder = await proc(available(kibibytes), full === undefined ? undefined : stalled(full))
    expect(await memoryShortage({ least: GiB, mostStall: 40, proc: folder })).toBe(said)
  })

  it('reads what this very host says of itself', async () => {
    expect(await memoryShortage({ least: 2 ** 60, mostStall: 100 })).toMatch(/^the host has .* available/)
  })
})
