import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { submissionName, submissionsOf } from '../../../orchestrator/archive/filenames.ts'
import { checkoutsFolder, mirrorFolder, ownerFile } from '../../../orchestrator/git/filenames.ts'
import { pruneMirrors } from '../../../orchestrator/git/prune-mirrors.ts'
import { aSubmissions } from './a-submissions.ts'
import { bundleMaker } from './bundle-of.ts'

const limits = { bytes: 2 ** 22 }

it('makes of a bundle a build of a local repository whose tree a job gets', async () => {
  const { submit, asked, mirror, git, signal, store } = await aSubmissions()
  const maker = await bundleMaker()
  const sha = maker.commit([
    { mode: '100644', name: 'Makefile', content: 'all:\n' },
    { mode: '40000', name: 'ci', tree: [{ mode: '100644', name: 'one.yml', content: 'steps: []\n' }] },
  ])
  const bundle = await maker.bundle('refs/heads/main')
  const { build } = await submit(bundle, { pipelineFile: 'ci/one.yml', jobs: ['test'], inputs: { a: 'b' } })
  expect(build?.repository).toBe('local:ann/engine')
  const [request] = asked
  expect(request).toMatchObject({
    repository: { forge: 'local', name: 'ann/engine', pipelineFile: 'ci/one.yml', from: 'submission' },
    trigger: {
      ...{ event: 'manual', sha, ref: 'refs/heads/main', branch: 'main', tag: undefined },
      ...{ title: 'submitted', author: 'a', actor: 'ann', inputs: { a: 'b' }, before: undefined },
    },
    only: ['test'],
  })
  // The file is this submission's, not the repository's.
  const kept = await store.repositories.get('local:ann/engine')
  expect(kept).toMatchObject({ pipelineFile: undefined, submodules: false, lfs: false })
  if (kept === undefined) throw new Error('the repository is not kept')
  await mirror.fetch(kept, { ref: 'refs/heads/main', sha }, signal)
  expect(await mirror.readFile(kept, sha, 'ci/one.yml', signal)).toBe('steps: []\n')
  const source = await mirror.source(kept, { ref: 'refs/heads/main', sha }, limits, signal)
  const [id = ''] = await readdir(checkoutsFolder(git.dataFolder))
  const tree = join(checkoutsFolder(git.dataFolder), id, 'tree')
  expect((await readdir(tree)).sort()).toEqual(['.git', 'Makefile', 'ci'])
  expect(maker.git(['-C', tree, 'remote'])).toBe('')
  expect(maker.git(['-C', tree, 'symbolic-ref', 'HEAD'])).toBe('refs/heads/main')
  await source.release()
})

it('keeps nothing on disk but the mirror, and clears away what a dead process left', async () => {
  const { submit, pruning, git, signal } = await aSubmissions()
  const maker = await bundleMaker()
  maker.commit([{ mode: '100644', name: 'a' }])
  await submit(await maker.bundle('refs/heads/main'))
  expect(await readdir(checkoutsFolder(git.dataFolder))).toEqual([])
  const dead = join(checkoutsFolder(git.dataFolder), 'dead')
  await mkdir(dead)
  await writeFile(ownerFile(dead), JSON.stringify({ pid: 1, startTime: 1 }))
  await pruning.all(signal)
  expect(existsSync(dead)).toBe(false)
})

it('gives each caller and folder a repository of its own, whatever they are called', async () => {
  const { submit, store } = await aSubmissions()
  const maker = await bundleMaker()
  maker.commit([{ mode: '100644', name: 'a' }])
  const bundle = await maker.bundle('refs/heads/main')
  const callers = ['ann', 'ann b', 'ann-b', '../..', '..', 'ünï', 'ann/engine']
  for (const by of callers) await submit(bundle, { by })
  await submit(bundle, { name: '..' })
  const names = (await store.repositories.list()).map(({ name }) => name)
  expect(new Set(names).size).toBe(callers.length + 1)
  for (const name of names) expect(name).toMatch(/^(?!\.)[\w.~-]+\/(?!\.)[\w.~-]+$/)
  expect(names).toContain('ann/engine')
})

it('takes the same commit again, and many at the same time', async () => {
  const { submit, asked } = await aSubmissions()
  const maker = await bundleMaker()
  const shas = []
  const bundles = []
  for (const content of ['1', '2', '3']) {
    shas.push(maker.commit([{ mode: '100644', name: 'a', content }]))
    bundles.push(await maker.bundle('refs/heads/main'))
  }
  await Promise.all([...bundles, ...bundles].map((bundle) => submit(bundle)))
  expect(asked.map(({ trigger }) => trigger.sha).sort()).toEqual([...shas, ...shas].sort())
})

it('gives the files to every host that has the archive, each time anew and also where it removed its mirror', async () => {
  const web = await aSubmissions()
  const worker = await aSubmissions({ archiveFolder: web.archiveFolder })
  const maker = await bundleMaker()
  const submitOne = async (content: string) => {
    const sha = maker.commit([{ mode: '100644', name: 'a', content }])
    await web.submit(await maker.bundle('refs/heads/main'))
    return { ref: 'refs/heads/main', sha }
  }
  const readByWorker = async ({ sha }: { sha: string }) => {
    const repository = await web.store.repositories.get('local:ann/engine')
    if (repository === undefined) throw new Error('the repository is not kept')
    return await worker.mirror.readFile(repository, sha, 'a', web.signal)
  }
  const [first, second] = [await submitOne('first'), await submitOne('second')]
  expect(await readByWorker(first)).toBe('first')
  expect(await readByWorker(second)).toBe('second')
  const { dataFolder, log } = worker.git
  expect(await pruneMirrors({ dataFolder, bytes: 2 ** 30, log, youngMs: 0 })).toBe(1)
  expect(await readByWorker(first)).toBe('first')
  expect(await readdir(checkoutsFolder(dataFolder))).toEqual([])
})

it('believes what the archive has no more than what was sent', async () => {
  const { archive, archiveFolder, submit, mirror, git, store, signal } = await aSubmissions()
  const maker = await bundleMaker()
  const sha = maker.commit([{ mode: '100644', name: 'a', content: 'x'.repeat(5000) }])
  await submit(await maker.bundle('refs/heads/main'))
  const repository = await store.repositories.get('local:ann/engine')
  const [kept] = await archive.submissions('local:ann/engine')
  if (repository === undefined || kept === undefined) throw new Error('the submission is not kept')
  await truncate(
    join(submissionsOf(archiveFolder, 'local:ann/engine'), submissionName(kept)),
    kept.bytes - 20,
  )
  await rm(mirrorFolder(git.dataFolder, 'local:ann/engine'), { recursive: true })
  const fetched = mirror.fetch(repository, { ref: 'refs/heads/main', sha }, signal)
  await expect(fetched).rejects.toBeInstanceOf(ConfigError)
  expect(await readdir(checkoutsFolder(git.dataFolder))).toEqual([])
})

it('says that submitted files are gone where they were removed, and asks no server for them', async () => {
  const { mirror, signal, store, submit } = await aSubmissions()
  const maker = await bundleMaker()
  maker.commit([{ mode: '100644', name: 'a' }])
  await submit(await maker.bundle('refs/heads/main'))
  const repository = await store.repositories.get('local:ann/engine')
  if (repository === undefined) throw new Error('the repository is not kept')
  const commit = { ref: 'refs/heads/main', sha: 'c'.repeat(40) }
  const words = 'expected the submitted files of cccccccccccc, found them removed'
  await expect(mirror.fetch(repository, commit, signal)).rejects.toThrow(words)
  await expect(mirror.source(repository, commit, limits, signal)).rejects.toThrow(words)
})

const day = 24 * 3600_000

it('prunes by number and by age, never what a build still needs, and gives the disk back', async () => {
  let time = Date.parse('2026-01-01T00:00:00.000Z')
  const keep = { most: 4, left: 2, ageMs: 10 * day, bytes: 2 ** 30 }
  const world = await aSubmissions({ keep, now: () => new Date(time) })
  const { submit, store, mirror, signal, pruning, git } = world
  const maker = await bundleMaker()
  const shas: string[] = []
  const submitOne = async (): Promise<void> => {
    time += 1000
    shas.push(maker.commit([{ mode: '100644', name: 'a', content: String(shas.length) }]))
    await submit(await maker.bundle('refs/heads/main'))
  }
  const repository = () => store.repositories.get('local:ann/engine')
  const isKept = async (sha: string | undefined) => {
    const known = await repository()
    if (known === undefined || sha === undefined) return false
    return await mirror.fetch(known, { ref: 'refs/heads/main', sha }, signal).then(
      () => true,
      () => false,
    )
  }
  const endAll = async (but?: string) => {
    const { items } = await store.builds.list({}, { limit: 100, cursor: undefined })
    for (const { id, trigger } of items)
      if (trigger.sha !== but) await store.builds.update(id, { state: 'passed' })
  }
  for (let count = 0; count < 4; count++) await submitOne()
  // The first build has not ended.
  await endAll(shas[0])
  expect(await Promise.all(shas.map(isKept))).toEqual([true, true, true, true])
  await submitOne()
  expect(await Promise.all(shas.map(isKept))).toEqual([true, false, false, true, true])
  const folder = mirrorFolder(git.dataFolder, 'local:ann/engine')
  expect(() => maker.git(['-C', folder, 'cat-file', '-e', shas[1] ?? ''])).toThrow()
  maker.git(['-C', folder, 'fsck', '--strict'])
  await endAll()
  time += 9 * day
  await pruning.all(signal)
  expect(await isKept(shas[4])).toBe(true)
  time += 2 * day
  await pruning.all(signal)
  expect(existsSync(folder)).toBe(false)
  await submitOne()
  expect(await isKept(shas.at(-1))).toBe(true)
})

it('prunes by size, but never the newest', async () => {
  const keep = { most: 40, left: 40, ageMs: 10 * day, bytes: 30_000 }
  const { submit, store, archive, pruning, signal } = await aSubmissions({ keep })
  const maker = await bundleMaker()
  const shas: string[] = []
  for (const size of [1, 12_000, 12_000, 60_000]) {
    shas.push(maker.commit([{ mode: '100644', name: 'a', content: randomBytes(size).toString('hex') }]))
    await submit(await maker.bundle('refs/heads/main'))
  }
  const kept = async () => (await archive.submissions('local:ann/engine')).map(({ sha }) => sha)
  // No build has ended.
  expect(await kept()).toEqual(shas.toReversed())
  const { items } = await store.builds.list({}, { limit: 100, cursor: undefined })
  for (const { id } of items) await store.builds.update(id, { state: 'passed' })
  await pruning.all(signal)
  expect(await kept()).toEqual([shas[3]])
})

it('removes from the archive what a crash left half written, and not what is being written', async () => {
  let time = Date.now()
  const { submit, pruning, archiveFolder, signal } = await aSubmissions({ now: () => new Date(time) })
  const maker = await bundleMaker()
  maker.commit([{ mode: '100644', name: 'a' }])
  await submit(await maker.bundle('refs/heads/main'))
  const folder = submissionsOf(archiveFolder, 'local:ann/engine')
  const [whole = ''] = await readdir(folder)
  await writeFile(join(folder, `${whole}.new`), 'half')
  await pruning.all(signal)
  expect((await readdir(folder)).sort()).toEqual([whole, `${whole}.new`])
  time += 2 * day
  await pruning.all(signal)
  expect(await readdir(folder)).toEqual([whole])
})

it('removes from a mirror what another host removed from the archive', async () => {
  const { submit, store, archive, pruning, git, signal } = await aSubmissions()
  const maker = await bundleMaker()
  const shas = [1, 2].map(String).map((content) => maker.commit([{ mode: '100644', name: 'a', content }]))
  await submit(await maker.bundle('refs/heads/main'))
  const { items } = await store.builds.list({}, { limit: 100, cursor: undefined })
  for (const { id } of items) await store.builds.update(id, { state: 'passed' })
  await pruning.all(signal)
  const folder = mirrorFolder(git.dataFolder, 'local:ann/engine')
  expect(maker.git(['-C', folder, 'cat-file', '-t', shas[1] ?? ''])).toBe('commit')
  for (const one of await archive.submissions('local:ann/engine'))
    await archive.removeSubmission('local:ann/engine', one)
  await pruning.all(signal)
  expect(existsSync(folder)).toBe(false)
})
