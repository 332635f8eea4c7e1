import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type CheckpointKey, checkpointKey } from '../../../runner/checkpoint/checkpoint-key.ts'
import { findCheckpoint } from '../../../runner/checkpoint/find-checkpoint.ts'
import type { Setup } from '../../../runner/checkpoint/setup.ts'
import { templateFolder, templatePaths } from '../../../runner/template/filenames.ts'
import { digestOf, fingerprintOf, writeManifest } from '../../../runner/template/manifest.ts'
import { listTemplates } from '../../../runner/template/template-shelf.ts'
import { aSetup, aSubject } from './a-setup.ts'

const hour = 60 * 60 * 1000
let shelf: string
let image: string

beforeEach(async () => {
  shelf = await mkdtemp(join(tmpdir(), 'mayfly-checkpoints-'))
  onTestFinished(() => rm(shelf, { recursive: true, force: true }))
  image = join(shelf, 'image.qcow2')
  await writeFile(image, 'an image')
})

/** Puts what a setup made on the shelf, so many hours ago. */
async function place({ key, inputs }: CheckpointKey, { hoursAgo = 0, scope = 'a scope' } = {}) {
  const paths = templatePaths(templateFolder(shelf, key))
  await mkdir(paths.folder)
  for (const path of [paths.disk, paths.ram, paths.state]) await writeFile(path, `content of ${path}`)
  await writeManifest(paths.manifest, {
    key,
    image: { name: 'debian-12-local', digest: 'sha256:aa', disk: image },
    resources: aSubject.resources,
    accel: 'tcg',
    qemuVersion: '7.2.22',
    made: new Date(Date.now() - hoursAgo * hour).toISOString(),
    bootMs: 1000,
    freezeMs: 100,
    bytes: 1000,
    files: {
      disk: await fingerprintOf(paths.disk),
      ram: await fingerprintOf(paths.ram),
      state: await fingerprintOf(paths.state),
    },
    stateDigest: await digestOf(paths.state),
    checkpoint: { inputs, scope, build: 'b0', job: 'b0-main', setupMs: 5000 },
  })
  return paths
}

async function find(setup: Setup) {
  const notes: string[] = []
  const id = await checkpointKey(aSubject, setup)
  const found = await findCheckpoint({ shelf, id, setup, onNote: (note) => notes.push(note) })
  return { ...found, notes }
}

const keyOf = (setup: Setup) => checkpointKey(aSubject, setup)
const scoped = (scope: string, readsAll = false) => aSetup({ access: { scope, readsAll, mayKeep: true } })

describe('findCheckpoint', () => {
  it('finds none on an empty shelf, and none of another setup', async () => {
    expect(await find(aSetup())).toEqual({ kind: 'none', why: 'there is none yet', notes: [] })
    await place(await keyOf(aSetup({ scripts: ['another'] })))
    expect(await find(scoped('repository github:o/r', true))).toMatchObject({ kind: 'none' })
  })

  it('finds the one of the setup', async () => {
    const id = await keyOf(aSetup())
    await place(id)
    expect(await find(aSetup())).toMatchObject({ kind: 'found', checkpoint: { key: id.key }, notes: [] })
  })

  it('leaves one that is too old for the job where it is, and says so', async () => {
    const id = await keyOf(aSetup())
    await place(id, { hoursAgo: 3 })
    expect(await find(aSetup({ maxAge: 2 * hour }))).toMatchObject({
      kind: 'none',
      why: `checkpoint ${id.key} is 3 h 00 m old, and the job allows 2 h 00 m`,
    })
    expect(await find(aSetup({ maxAge: 4 * hour }))).toMatchObject({ kind: 'found' })
  })

  it('gives nobody that of another scope', async () => {
    await place(await keyOf(scoped('repository github:o/r')))
    expect((await find(scoped('repository github:o/r'))).kind).toBe('found')
    expect(await find(scoped('repository gitlab:o/r'))).toMatchObject({
      kind: 'none',
      why: 'there is none yet',
    })
  })

  it('gives the newest of all scopes to whoever reads them all, and its own first', async () => {
    await place(await keyOf(scoped('one')), { hoursAgo: 2 })
    const newest = await keyOf(scoped('two'))
    await place(newest, { hoursAgo: 1 })
    await place(await keyOf(scoped('three')), { hoursAgo: 3 })
    expect(await find(scoped('local', true))).toMatchObject({
      kind: 'found',
      checkpoint: { key: newest.key },
    })
    const own = await keyOf(scoped('local'))
    await place(own, { hoursAgo: 4 })
    expect(await find(scoped('local', true))).toMatchObject({ kind: 'found', checkpoint: { key: own.key } })
  })

  it('throws a damaged one away with a note, and takes no damaged one of another scope', async () => {
    const id = await keyOf(aSetup())
    const { ram } = await place(id)
    await appendFile(ram, 'x')
    expect(await find(scoped('local', true))).toMatchObject({ kind: 'none', notes: [] })
    expect(await find(aSetup())).toEqual({
      kind: 'none',
      why: 'there is none yet',
      notes: [`checkpoint ${id.key} thrown away: its ram is not as it was made`],
    })
    expect(await listTemplates(shelf)).toEqual([])
  })
})
