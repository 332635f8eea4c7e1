import { chmod, chown, mkdir, mkdtemp, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findClosed } from '../../../runner/confinement/hand-over-files.ts'
import { machinePaths } from '../../../runner/machine/filenames.ts'

const user = { uid: 61990, gid: 61990, groups: [61991] }

let top: string
let image: string

beforeEach(async () => {
  top = await realpath(await mkdtemp(join(tmpdir(), 'mayfly-closed-')))
  await chmod(top, 0o711)
  for (const name of ['data', 'shelf', 'run']) await mkdir(join(top, name), { mode: 0o711 })
  for (const name of ['machines', 'machines/one']) await mkdir(join(top, 'data', name), { mode: 0o700 })
  await mkdir(join(top, 'run', 'one'), { mode: 0o700 })
  image = join(top, 'shelf', 'disk.qcow2')
  await writeFile(image, '', { mode: 0o644 })
})

afterEach(() => rm(top, { recursive: true, force: true }))

const paths = () =>
  machinePaths({ dataFolder: join(top, 'data'), id: 'one', env: {}, uid: 0, runDir: join(top, 'run') })
const closed = (given: { bases?: string[]; ram?: string } = {}) => {
  const memoryFile = given.ram === undefined ? {} : privately(given.ram)
  return findClosed(
    { paths: paths(), bases: given.bases ?? [image], spec: { kernel: undefined, ...memoryFile } },
    user,
  )
}
const privately = (path: string) => ({ memoryFile: { path, use: 'private', readOnly: true } as const })

describe('what is closed to the user of QEMU', () => {
  it('is nothing where each folder on the way lets it through, and its own are opened for it later', async () => {
    await expect(closed()).resolves.toBeUndefined()
  })

  it('is an image that it may not read', async () => {
    await chmod(image, 0o600)
    await expect(closed()).resolves.toBe(image)
  })

  it('is the memory of a template that it may not read', async () => {
    const ram = join(top, 'shelf', 'ram')
    await writeFile(ram, '', { mode: 0o640 })
    await expect(closed({ ram })).resolves.toBe(ram)
  })

  it('is no file that a group beside its own may read', async () => {
    const ram = join(top, 'shelf', 'ram')
    await writeFile(ram, '', { mode: 0o640 })
    if (process.getuid?.() !== 0) return
    await chown(ram, 0, 61991)
    await expect(closed({ ram })).resolves.toBeUndefined()
  })

  it('is a folder on the way to an image', async () => {
    await chmod(join(top, 'shelf'), 0o700)
    await expect(closed()).resolves.toBe(join(top, 'shelf'))
  })

  it('is a folder above that of the machines', async () => {
    await chmod(join(top, 'data'), 0o700)
    await expect(closed()).resolves.toBe(join(top, 'data'))
  })

  it('is a folder that a link, or a link to a link, leads through', async () => {
    await mkdir(join(top, 'home'), { mode: 0o700 })
    await symlink('../shelf', join(top, 'home', 'shelf'))
    await symlink(join(top, 'home', 'shelf'), join(top, 'shortcut'))
    const bases = [join(top, 'shortcut', 'disk.qcow2')]
    await expect(closed({ bases })).resolves.toBe(join(top, 'home'))
    await chmod(join(top, 'home'), 0o711)
    await expect(closed({ bases })).resolves.toBeUndefined()
  })

  it('leaves everything as it was, for a machine that is not handed over is ours', async () => {
    await chmod(image, 0o600)
    await closed()
    const modes = [paths().folder, paths().runFolder].map(
      async (folder) => (await stat(folder)).mode & 0o7777,
    )
    await expect(Promise.all(modes)).resolves.toEqual([0o700, 0o700])
  })
})
