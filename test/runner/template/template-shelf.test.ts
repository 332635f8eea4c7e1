import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { ownIdentity } from '../../../images/process-identity.ts'
import { useImage } from '../../../images/shelf/use-markers.ts'
import { checkNotReplaced } from '../../../runner/template/check-not-replaced.ts'
import { newWorkFolder, templateFolder, templatePaths } from '../../../runner/template/filenames.ts'
import { forgetFailure, knownFailure, noteFailure } from '../../../runner/template/known-failure.ts'
import { digestOf, fingerprintOf, writeManifest } from '../../../runner/template/manifest.ts'
import {
  evictTemplates,
  findTemplate,
  listTemplates,
  removeTemplate,
  sweepWork,
  touchTemplate,
} from '../../../runner/template/template-shelf.ts'

const day = 24 * 60 * 60 * 1000
const mebibyte = 2 ** 20
const keyOf = (digit: number) => String(digit).repeat(16)

let data: string
let image: string

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'mayfly-templates-'))
  onTestFinished(() => rm(data, { recursive: true, force: true }))
  image = join(data, 'image.qcow2')
  await writeFile(image, 'an image')
})

/** A template with small files, last used so many days ago. */
async function place(key: string, { bytes = mebibyte, usedDaysAgo = 0 } = {}) {
  const paths = templatePaths(templateFolder(data, key))
  await mkdir(paths.folder, { recursive: true })
  for (const path of [paths.disk, paths.ram, paths.state]) await writeFile(path, `content of ${path}`)
  await writeManifest(paths.manifest, {
    key,
    image: { name: 'debian-12-local', digest: 'sha256:aa', disk: image },
    resources: { cpus: 1, memory: 2 ** 29, disk: 2 ** 30 },
    accel: 'tcg',
    qemuVersion: '7.2.22',
    made: new Date().toISOString(),
    bootMs: 1000,
    freezeMs: 100,
    bytes,
    files: {
      disk: await fingerprintOf(paths.disk),
      ram: await fingerprintOf(paths.ram),
      state: await fingerprintOf(paths.state),
    },
    stateDigest: await digestOf(paths.state),
  })
  const used = new Date(Date.now() - usedDaysAgo * day)
  await utimes(paths.manifest, used, used)
  return paths
}

async function find(key: string) {
  const faults: string[] = []
  const template = await findTemplate(data, key, (fault) => faults.push(fault))
  return { template, faults }
}

describe('findTemplate', () => {
  it('gives one that is as it was made', async () => {
    await place(keyOf(1))
    const { template, faults } = await find(keyOf(1))
    expect(template?.key).toBe(keyOf(1))
    expect(faults).toEqual([])
  })

  it('knows none where there is none, or one without a manifest', async () => {
    expect((await find(keyOf(1))).template).toBeUndefined()
    const { manifest } = await place(keyOf(1))
    await rm(manifest)
    expect(await find(keyOf(1))).toEqual({ template: undefined, faults: [] })
  })

  it.each(['disk', 'ram', 'state'] as const)('throws it away when its %s was written to', async (file) => {
    const paths = await place(keyOf(1))
    await appendFile(paths[file], 'x')
    expect(await find(keyOf(1))).toEqual({
      template: undefined,
      faults: [`its ${file} is not as it was made`],
    })
    await expect(stat(paths.folder)).rejects.toThrow('ENOENT')
  })

  it('sees a byte that changed behind the back of the clock', async () => {
    const paths = await place(keyOf(1))
    const { atime, mtime } = await stat(paths.ram)
    const text = Buffer.from(`content of ${paths.ram}`)
    text[0] = 'C'.charCodeAt(0)
    await writeFile(paths.ram, text)
    await utimes(paths.ram, atime, mtime)
    expect((await find(keyOf(1))).faults).toEqual(['its ram is not as it was made'])
  })

  it('throws it away when its image is gone', async () => {
    await place(keyOf(1))
    await rm(image)
    expect((await find(keyOf(1))).faults).toEqual(['its image is gone'])
  })

  it('throws it away when it lies under the key of another', async () => {
    const { manifest } = await place(keyOf(1))
    const other = await place(keyOf(2))
    await rm(other.manifest)
    await copyFile(manifest, other.manifest)
    expect((await find(keyOf(2))).faults).toEqual(['it is that of another key'])
  })
})

describe('evictTemplates', () => {
  const keys = async () => (await listTemplates(data)).map(({ key }) => key).sort()

  it('removes the least recently used until all fit', async () => {
    for (const [digit, usedDaysAgo] of [
      [1, 3],
      [2, 1],
      [3, 2],
    ] as const) {
      await place(keyOf(digit), { usedDaysAgo })
    }
    const evicted = await evictTemplates({ shelf: data, quota: 2 * mebibyte, maxAge: 30 * day })
    expect(evicted).toEqual([keyOf(1)])
    expect(await keys()).toEqual([keyOf(2), keyOf(3)])
  })

  it('removes what nobody used for too long', async () => {
    await place(keyOf(1), { usedDaysAgo: 31 })
    await place(keyOf(2), { usedDaysAgo: 29 })
    await evictTemplates({ shelf: data, quota: 9 * mebibyte, maxAge: 30 * day })
    expect(await keys()).toEqual([keyOf(2)])
  })

  it('never removes one that a machine stands on, or the one to keep', async () => {
    const { disk } = await place(keyOf(1), { usedDaysAgo: 400 })
    await place(keyOf(2), { usedDaysAgo: 400 })
    await place(keyOf(3), { usedDaysAgo: 400 })
    await useImage({ name: 'template', disk }, { machineId: 'm-1', process: ownIdentity() })
    const evicted = await evictTemplates({ shelf: data, quota: 0, maxAge: day, keep: keyOf(3) })
    expect(evicted).toEqual([keyOf(2)])
    expect((await listTemplates(data)).find(({ key }) => key === keyOf(1))?.users).toEqual(['m-1'])
  })
})

describe('touchTemplate', () => {
  it('makes it the one that was used last, and minds nothing where it was removed meanwhile', async () => {
    await place(keyOf(1), { usedDaysAgo: 1 })
    await place(keyOf(2), { usedDaysAgo: 2 })
    const { template } = await find(keyOf(2))
    if (template === undefined) throw new Error('expected a template')
    await touchTemplate(template)
    expect((await listTemplates(data)).map(({ key }) => key)).toEqual([keyOf(2), keyOf(1)])
    await removeTemplate(data, keyOf(2))
    await touchTemplate(template)
    expect((await listTemplates(data)).map(({ key }) => key)).toEqual([keyOf(1)])
  })
})

describe('checkNotReplaced', () => {
  it.each(['disk', 'ram', 'state'] as const)('refuses a template with the %s of another', async (file) => {
    await place(keyOf(1))
    const { template } = await find(keyOf(1))
    if (template === undefined) throw new Error('expected a template')
    await checkNotReplaced(template)
    const other = await place(keyOf(2))
    await rename(other[file], template.paths[file])
    await expect(checkNotReplaced(template)).rejects.toThrow(`${keyOf(1)} was replaced by another just now`)
  })

  it('has nothing against one that is gone, since who opened it has it whole', async () => {
    await place(keyOf(1))
    const { template } = await find(keyOf(1))
    if (template === undefined) throw new Error('expected a template')
    await removeTemplate(data, keyOf(1))
    await checkNotReplaced(template)
  })
})

describe('removeTemplate', () => {
  it('says whether there was one, and leaves nothing', async () => {
    await place(keyOf(1))
    expect(await removeTemplate(data, keyOf(1))).toBe(true)
    expect(await removeTemplate(data, keyOf(1))).toBe(false)
    expect(await readdir(join(data, '.work'))).toEqual([])
  })
})

describe('sweepWork', () => {
  it('clears away what a builder left a day ago, and leaves one at work alone', async () => {
    const [old, young] = [newWorkFolder(data, keyOf(1)), newWorkFolder(data, keyOf(2))]
    for (const folder of [old, young]) await mkdir(folder, { recursive: true })
    const past = new Date(Date.now() - 2 * day)
    await utimes(old, past, past)
    await sweepWork(data)
    await expect(stat(old)).rejects.toThrow('ENOENT')
    expect((await stat(young)).isDirectory()).toBe(true)
  })
})

describe('a failure to freeze', () => {
  it('is known until it is forgotten', async () => {
    expect(await knownFailure(data, keyOf(1))).toBeUndefined()
    await noteFailure(data, keyOf(1), 'no Python 3 in the image')
    expect(await knownFailure(data, keyOf(1))).toBe('no Python 3 in the image')
    expect(await knownFailure(data, keyOf(2))).toBeUndefined()
    await forgetFailure(data, keyOf(1))
    expect(await knownFailure(data, keyOf(1))).toBeUndefined()
  })
})
