import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, InfraError } from '../../config/errors.ts'
import type { ImageBuilder } from '../../images/builder.ts'
import { ownIdentity } from '../../images/process-identity.ts'
import { useImage } from '../../images/shelf/use-markers.ts'
import { openShelf, type Shelf } from '../../images/shelf.ts'
import { digestOf, qcow2Disk, rawDisk, temporaryFolder } from './make-disk.ts'

const watched = { signal: new AbortController().signal }
let folder: string
let dataFolder: string
let path: string
let builds: string[]
let inputs: string
let shelf: Shelf

const packages = 'bash 5.2 amd64\ntzdata 2026a all\n'
const builder: ImageBuilder = {
  inputs: async () => inputs,
  build: async ({ workFolder, onProgress }) => {
    builds.push(inputs)
    onProgress({ phase: 'build', line: 'making it' })
    const files = {
      disk: join(workFolder, 'd'),
      kernel: join(workFolder, 'k'),
      initrd: join(workFolder, 'i'),
      packages: join(workFolder, 'p'),
    }
    writeFileSync(files.disk, qcow2Disk())
    writeFileSync(files.kernel, 'kernel')
    writeFileSync(files.initrd, 'initrd')
    writeFileSync(files.packages, packages)
    return { ...files, append: 'root=/dev/vda' }
  },
}

beforeEach(() => {
  folder = temporaryFolder()
  dataFolder = join(folder, 'data, with a comma')
  path = join(folder, 'mine.qcow2')
  writeFileSync(path, qcow2Disk(rawDisk(2 ** 21)))
  builds = []
  inputs = 'one'
  shelf = openShelf({
    dataFolder,
    overrides: { mine: { path, resources: { cpus: 2, memory: 2 ** 32 } } },
    builders: { 'debian-12-local': builder },
  })
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('list', () => {
  it('AC18: shows every image of the catalogue and of the host file, present or not', async () => {
    await shelf.ensure('mine', watched)
    const images = await shelf.list()
    expect(images.map(({ name, present }) => [name, present])).toEqual(
      [...shelf.catalogue.keys()].map((name) => [name, name === 'mine']),
    )
    const mine = images.find(({ name }) => name === 'mine')
    expect(mine).toMatchObject({
      source: 'path',
      digest: digestOf(readFileSync(path)),
      size: statSync(path).size,
      virtualSize: 2 ** 21,
      problem: undefined,
    })
    expect(mine?.age).toBeLessThan(10_000)
  })

  it('shows what is left of an image that the host file names no more, which rm can take off', async () => {
    await shelf.ensure('mine', watched)
    const later = openShelf({ dataFolder })
    expect((await later.list()).at(-1)).toMatchObject({ name: 'mine', source: 'unlisted', present: true })
    await expect(later.resolve('mine')).rejects.toBeInstanceOf(ConfigError)
    await later.rm('mine')
    expect((await later.list()).some(({ name }) => name === 'mine')).toBe(false)
  })
})

describe('resolve', () => {
  it('gives the image with the resources and the user that its entry has today', async () => {
    await shelf.ensure('mine', watched)
    const later = openShelf({ dataFolder, overrides: { mine: { path, user: 'me', resources: { cpus: 4 } } } })
    expect((await later.resolve('mine')).profile).toMatchObject({ user: 'me', resources: { cpus: 4 } })
  })

  it('says how to get an image that is not there, and lists the known ones for an unknown one', async () => {
    await expect(shelf.resolve('debian-12')).rejects.toMatchObject({
      class: 'image',
      hint: 'Run: mayfly images pull debian-12',
    })
    await expect(shelf.resolve('debian-12-local')).rejects.toMatchObject({
      hint: 'Run: mayfly images build debian-12-local',
    })
    await expect(shelf.resolve('debain-12')).rejects.toMatchObject({ hint: 'Did you mean debian-12?' })
  })

  it('does not give an image that came from elsewhere than the host file says today', async () => {
    await shelf.ensure('mine', watched)
    const later = openShelf({ dataFolder, overrides: { mine: { path: join(folder, 'other.qcow2') } } })
    await expect(later.resolve('mine')).rejects.toMatchObject({ message: expect.stringContaining(path) })
  })

  it('does not give a disk that was cut short', async () => {
    const { disk } = await shelf.ensure('mine', watched)
    chmodSync(disk, 0o644)
    writeFileSync(disk, 'short')
    await expect(shelf.resolve('mine')).rejects.toMatchObject({
      message: expect.stringContaining('disk.qcow2 of 5 bytes'),
    })
    expect((await shelf.list()).find(({ name }) => name === 'mine')).toMatchObject({
      present: false,
      problem: expect.any(String),
    })
  })
})

describe('ensure and build', () => {
  it('builds an image once for the same inputs, with kernel and initrd beside it', async () => {
    const image = await shelf.ensure('debian-12-local', watched)
    expect(image.kernel?.append).toBe('root=/dev/vda')
    expect(readFileSync(image.kernel?.initrd ?? '', 'utf8')).toBe('initrd')
    expect(await shelf.ensure('debian-12-local', watched)).toEqual(image)
    expect(await shelf.build('debian-12-local', watched)).toEqual(image)
    expect(builds).toEqual(['one'])
  })

  it('knows where a built image came from, and what is installed in it', async () => {
    const { provenance, disk, digest } = await shelf.ensure('debian-12-local', watched)
    expect(provenance).toMatchObject({
      ...{ name: 'debian-12-local', digest, created: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) },
      source: { kind: 'build', builder: 'debian-12-local', inputs: 'one' },
      packages: { file: join(dirname(disk), 'packages'), digest: digestOf(Buffer.from(packages)), count: 2 },
    })
    expect(readFileSync(provenance?.packages?.file ?? '', 'utf8')).toBe(packages)
  })

  it('knows where an image from a file came from, of which nobody lists the packages', async () => {
    const { provenance } = await shelf.ensure('mine', watched)
    expect(provenance).toMatchObject({ source: { kind: 'path', path }, packages: undefined })
  })

  it('builds anew for other inputs or by force, and then has the new one current', async () => {
    const first = await shelf.ensure('debian-12-local', watched)
    inputs = 'two'
    const second = await shelf.ensure('debian-12-local', watched)
    const third = await shelf.build('debian-12-local', { ...watched, force: true })
    expect(new Set([first.digest, second.digest, third.digest]).size).toBe(3)
    expect(builds).toEqual(['one', 'two', 'two'])
    expect(await shelf.resolve('debian-12-local')).toEqual(third)
  })

  it('does the work once for two that ask at once', async () => {
    const [first, second] = await Promise.all([
      shelf.ensure('debian-12-local', watched),
      shelf.ensure('debian-12-local', watched),
    ])
    expect(first).toEqual(second)
    expect(builds).toHaveLength(1)
  })

  it('keeps nothing of a build that failed', async () => {
    const failing = openShelf({
      dataFolder,
      builders: {
        'debian-12-local': {
          inputs: async () => 'x',
          build: async ({ workFolder }) => {
            writeFileSync(join(workFolder, 'half'), 'x')
            throw new InfraError('image', 'mmdebstrap said no')
          },
        },
      },
    })
    await expect(failing.ensure('debian-12-local', watched)).rejects.toThrow('mmdebstrap said no')
    expect(readdirSync(join(dataFolder, 'images/.downloads/debian-12-local'))).toEqual([])
  })

  it('refuses to build what is pulled, and what it has no builder for', async () => {
    await expect(shelf.build('debian-12', watched)).rejects.toBeInstanceOf(ConfigError)
    const other = openShelf({ dataFolder, overrides: { own: { build: 'own' } } })
    await expect(other.ensure('own', watched)).rejects.toThrow(
      'expected `build` to be one of none, got "own"',
    )
  })
})

describe('verify', () => {
  it('finds no damage in a sound image', async () => {
    await shelf.ensure('debian-12-local', watched)
    expect(await shelf.verify('debian-12-local', watched)).toEqual([])
  })

  it('finds one flipped bit in disk, kernel, initrd or list of packages', async () => {
    const image = await shelf.ensure('debian-12-local', watched)
    for (const file of ['disk.qcow2', 'kernel', 'initrd', 'packages']) {
      const place = join(dirname(image.disk), file)
      const content = readFileSync(place)
      const changed = Buffer.from(content)
      changed[3] = (changed[3] ?? 0) ^ 1
      chmodSync(place, 0o644)
      writeFileSync(place, changed)
      expect(await shelf.verify('debian-12-local', watched)).toEqual([
        { file, expected: digestOf(content), found: digestOf(changed) },
      ])
      writeFileSync(place, content)
    }
  })

  it('finds a manifest that cannot be read', async () => {
    const image = await shelf.ensure('mine', watched)
    writeFileSync(join(dirname(image.disk), 'manifest.json'), '{')
    expect(await shelf.verify('mine', watched)).toMatchObject([{ file: 'manifest.json' }])
  })

  it('says so when there is nothing to verify', async () => {
    await expect(shelf.verify('debian-12', watched)).rejects.toMatchObject({ class: 'image' })
  })
})

describe('rm', () => {
  it('takes every version off the shelf', async () => {
    await shelf.ensure('debian-12-local', watched)
    await shelf.build('debian-12-local', { ...watched, force: true })
    expect(await shelf.rm('debian-12-local')).toBeGreaterThan(2 ** 21)
    expect(existsSync(join(dataFolder, 'images/debian-12-local'))).toBe(false)
    expect(existsSync(join(dataFolder, 'images/.downloads/debian-12-local'))).toBe(false)
  })

  it('is refused while a machine stands on the image, and works after its release', async () => {
    const image = await shelf.ensure('mine', watched)
    const use = await useImage(image, { machineId: 'm1', process: ownIdentity() })
    await expect(shelf.rm('mine')).rejects.toMatchObject({
      class: 'image',
      message: expect.stringContaining('m1'),
    })
    expect(existsSync(image.disk)).toBe(true)
    await use.release()
    await shelf.rm('mine')
    expect(existsSync(image.disk)).toBe(false)
  })

  it('is not held up by a machine whose process is gone', async () => {
    const image = await shelf.ensure('mine', watched)
    await useImage(image, { machineId: 'm1', process: { pid: process.pid, startTime: 1 } })
    await shelf.rm('mine')
    expect(existsSync(image.disk)).toBe(false)
  })

  it('is refused while a pull is at work', async () => {
    await shelf.ensure('mine', watched)
    writeFileSync(join(dataFolder, 'images/.locks/mine.lock'), JSON.stringify(ownIdentity()))
    await expect(shelf.rm('mine')).rejects.toThrow(`got process ${process.pid} at work`)
  })

  it('does not know names that no catalogue has', async () => {
    for (const name of ['nothing', '../..', '.downloads']) {
      await expect(shelf.rm(name)).rejects.toBeInstanceOf(ConfigError)
    }
  })
})

describe('useImage', () => {
  it('says so when the image was removed since it was resolved', async () => {
    const image = await shelf.ensure('mine', watched)
    await shelf.rm('mine')
    const using = useImage(image, { machineId: 'm1', process: ownIdentity() })
    await expect(using).rejects.toMatchObject({
      class: 'image',
      hint: expect.stringContaining('mayfly images pull mine'),
    })
  })

  it('hands a use over to another process of the same machine', async () => {
    const image = await shelf.ensure('mine', watched)
    await useImage(image, { machineId: 'm1', process: { pid: process.pid, startTime: 1 } })
    await useImage(image, { machineId: 'm1', process: ownIdentity() })
    expect((await shelf.list()).find(({ name }) => name === 'mine')?.users).toEqual(['m1'])
  })
})

describe('gc', () => {
  it('removes superseded versions and what broken pulls left, and keeps the current ones', async () => {
    const first = await shelf.ensure('debian-12-local', watched)
    const second = await shelf.build('debian-12-local', { ...watched, force: true })
    const part = join(dataFolder, 'images/.downloads/debian-12/source.part')
    mkdirSync(dirname(part), { recursive: true })
    writeFileSync(part, Buffer.alloc(100_000, 1))
    const deadLock = join(dataFolder, 'images/.locks/debian-12.lock.9.x')
    writeFileSync(deadLock, JSON.stringify({ pid: 2 ** 22 - 1, startTime: 1 }))
    utimesSync(deadLock, 0, 0)
    const garbage = await shelf.gc()
    expect(garbage.map(({ path: gone }) => gone).sort()).toEqual([part, dirname(first.disk)].sort())
    expect(garbage.every(({ freed }) => freed > 0)).toBe(true)
    expect(existsSync(deadLock)).toBe(false)
    expect(await shelf.resolve('debian-12-local')).toEqual(second)
    expect(await shelf.gc()).toEqual([])
  })

  it('never removes a superseded version under a machine', async () => {
    const first = await shelf.ensure('debian-12-local', watched)
    const use = await useImage(first, { machineId: 'm1', process: ownIdentity() })
    await shelf.build('debian-12-local', { ...watched, force: true })
    expect(await shelf.gc()).toEqual([])
    expect(existsSync(first.disk)).toBe(true)
    await use.release()
    expect(await shelf.gc()).toHaveLength(1)
  })

  it('keeps what is younger than the age it is given, and what a pull is at work on', async () => {
    await shelf.ensure('debian-12-local', watched)
    await shelf.build('debian-12-local', { ...watched, force: true })
    expect(await shelf.gc({ maxAge: 60_000 })).toEqual([])
    writeFileSync(join(dataFolder, 'images/.locks/debian-12-local.lock'), JSON.stringify(ownIdentity()))
    expect(await shelf.gc()).toEqual([])
  })
})
