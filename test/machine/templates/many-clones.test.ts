import { describe, expect, it } from 'vitest'
import { localImage, output } from '../acceptance/boot.ts'
import { clone, dataOnSharedTemplates, sha256, smallTemplate, startClone } from './clones.ts'

describe('AC46: fifty clones of one template, eight of them at once', () => {
  it('all come up, and leave every byte of template and image as it was', async () => {
    const data = await dataOnSharedTemplates()
    await (await clone({ data })).destroy('now')
    const { disk } = await localImage()
    const { paths, manifest } = await smallTemplate(data)
    const files = [paths.ram, paths.disk, paths.state, disk]
    const before = await Promise.all(files.map(sha256))
    let left = 50
    for (let round = 0; left > 0; round++) {
      const count = Math.min(round === 0 ? 8 : 4, left)
      left -= count
      await startTogether(data, count)
    }
    expect(await Promise.all(files.map(sha256))).toEqual(before)
    expect((await smallTemplate(data)).manifest).toEqual(manifest)
  })
})

async function startTogether(data: string, count: number): Promise<void> {
  const boots = await Promise.all(Array.from({ length: count }, () => startClone({ data })))
  const machines = await Promise.all(boots.map(({ ready }) => ready))
  try {
    expect(machines.map(({ facts }) => facts.strategy)).toEqual(Array(count).fill('template'))
    const names = await Promise.all(machines.map((machine) => output(machine, 'hostname')))
    expect(names).toEqual(machines.map(({ id }) => id))
  } finally {
    await Promise.all(machines.map((machine) => machine.destroy('now')))
  }
}
