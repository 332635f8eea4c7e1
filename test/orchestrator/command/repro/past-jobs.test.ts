import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ConfigError } from '../../../../config/errors.ts'
import { createApiClient } from '../../../../orchestrator/client/api-client.ts'
import { submitFolder } from '../../../../orchestrator/client/submit-folder.ts'
import { fetchFiles } from '../../../../orchestrator/command/repro/fetch-files.ts'
import { readLocalJob } from '../../../../orchestrator/command/repro/read-local-job.ts'
import { readServerJob } from '../../../../orchestrator/command/repro/read-server-job.ts'
import { unpack } from '../../../runner/source/unpack.ts'
import { until } from '../../until.ts'
import { startWhole, type Whole } from '../../whole/whole-server.ts'

const pipeline = `
resources: { cpus: 1, memory: 256MiB }
matrix: { node: [ 20 ] }
env: { LEVEL: "\${matrix.node}" }
setup: prepare
steps:
  - { name: build, run: make }
  - name: test
    run: fail on \${matrix.node}
`
const { signal } = new AbortController()
const log = pino({ level: 'silent' })
let whole: Whole
let folder: string

beforeAll(async () => {
  whole = await startWhole({
    machine: { steps: ({ script }) => ({ exits: script.startsWith('fail') ? 2 : 0 }) },
  })
  folder = await mkdtemp(join(tmpdir(), 'mayfly-past-jobs-'))
}, 120_000)
afterAll(async () => {
  await whole?.close()
  await rm(folder, { recursive: true, force: true })
})

const client = () => createApiClient({ server: whole.url, token: undefined })

async function failedJob(name: string): Promise<{ id: string; sha: string }> {
  const push = await whole.repository(name, { '.mayfly.yml': pipeline, 'src/main.c': 'int main;' })
  await whole.deliver(push)
  const { jobs, sha } = await whole.verdict(name, 60_000)
  return { id: jobs[0]?.id ?? '', sha }
}

/** Where the files of a job came from, and which they are. */
async function filesOf(id: string, clone?: string) {
  const notes: string[] = []
  const past = await readServerJob(client(), id)
  const dataFolder = join(folder, `data-${id}-${clone === undefined ? '' : 'clone'}`)
  await mkdir(dataFolder)
  const onNote = (note: string) => notes.push(note)
  const source = await fetchFiles({
    past,
    dataFolder,
    limit: 2 ** 24,
    clone,
    client: client(),
    onNote,
    log,
    signal,
  })
  onTestFinished(() => source.release())
  const entries = await unpack((await source.tree(signal)).stream)
  return {
    notes: notes.join(),
    contents: new Map(entries.map(({ name, content }) => [name, content])),
    source,
  }
}

describe('a job of a server', () => {
  it('is told with its plan filled in, its commit, its image and the step that failed', async () => {
    const { id, sha } = await failedJob('octo/told')
    const past = await readServerJob(client(), id)
    expect(past).toMatchObject({
      id,
      job: { env: { LEVEL: '20' }, setup: ['prepare'], resources: { cpus: 1, memory: 2 ** 28 } },
      context: { repo: 'octo/told', ref: 'refs/heads/main', sha, event: 'push' },
      image: { digest: expect.stringContaining('sha256:') },
      failed: 2,
      scope: 'repository github:octo/told',
      files: { kind: 'commit' },
    })
    expect(past.job.steps.map(({ run }) => run)).toEqual(['make', 'fail on 20'])
    await expect(readServerJob(client(), `${id}x`)).rejects.toBeInstanceOf(ConfigError)
  })

  it('has the files of its commit, from where the server has them or from a clone on this computer', async () => {
    const { id, sha } = await failedJob('octo/files')
    await whole.git.commit('octo/files', { 'src/main.c': 'later' })
    const { notes, contents } = await filesOf(id)
    expect(notes).toBe(`fetching ${sha.slice(0, 12)} from ${whole.git.url}/octo/files.git`)
    expect(contents.get('src/main.c')).toBe('int main;')

    const clone = join(folder, 'clone')
    await execa('git', ['clone', '--quiet', `${whole.git.url}/octo/files.git`, clone])
    const asked = whole.git.requests.length
    const local = await filesOf(id, join(clone, 'src'))
    expect(local.notes).toBe(`commit ${sha.slice(0, 12)} is in ${join(clone, '.git')}`)
    expect(local.contents.get('src/main.c')).toBe('int main;')
    expect(whole.git.requests.length).toBe(asked)

    const other = join(folder, 'other')
    await execa('git', ['init', '--quiet', other])
    const past = await readServerJob(client(), id)
    const without = fetchFiles({
      past,
      dataFolder: folder,
      limit: 1,
      clone: other,
      client: client(),
      onNote: () => undefined,
      log,
      signal,
    })
    await expect(without).rejects.toThrow(`expected a clone with commit ${sha.slice(0, 12)}`)
  })

  it('that was submitted gets its files back from the server, and leaves none behind', async () => {
    const work = join(folder, 'engine')
    await mkdir(work)
    await writeFile(join(work, '.mayfly.yml'), pipeline)
    await writeFile(join(work, 'notes.txt'), 'mine')
    const build = await submitFolder({
      ...{
        client: client(),
        file: join(work, '.mayfly.yml'),
        directory: work,
        ref: 'refs/heads/main',
        signal,
      },
      ...{ jobs: undefined, inputs: [], onNote: () => undefined },
    })
    const id = build.jobs[0]?.id ?? ''
    await until(
      'it failed',
      async () => (await whole.api('GET', `/jobs/${id}`)).body.state === 'failed',
      60_000,
    )
    const place = join(folder, 'tmp')
    await mkdir(place)
    vi.stubEnv('TMPDIR', place)
    onTestFinished(() => void vi.unstubAllEnvs())
    const { contents, source } = await filesOf(id)
    expect(contents.get('notes.txt')).toBe('mine')
    expect(await readdir(place)).toHaveLength(1)
    await source.release()
    expect(await readdir(place)).toEqual([])
  })
})

describe('a job of an earlier run on this computer', () => {
  it('is read from what that run wrote, with the folder that it was of', async () => {
    const id = 'local-20260101-000000-abcd-main'
    const at = join(folder, 'jobs', id)
    await mkdir(at, { recursive: true })
    const { job } = await readServerJob(client(), (await failedJob('octo/local')).id)
    const context = { repo: 'r', ref: 'refs/heads/main', sha: '', event: 'manual' }
    await expect(readLocalJob(folder, id)).rejects.toThrow('expected a job of an earlier mayfly run')
    await writeFile(join(at, 'order.json'), JSON.stringify({ job, directory: folder, context }))
    const before = await readLocalJob(folder, id)
    expect(before).toMatchObject({ id, job, context, failed: undefined, image: undefined, scope: 'local' })
    const steps = [
      { index: 0, status: 'passed' },
      { index: 1, status: 'timed-out' },
      { index: 2, status: 'skipped' },
    ]
    const machine = { image: 'debian-12', imageDigest: 'sha256:0', checkpoint: { state: 'kept', key: 'abc' } }
    await writeFile(join(at, 'record.json'), JSON.stringify({ steps, machine }))
    expect(await readLocalJob(folder, id)).toMatchObject({
      ...{ failed: 1, checkpoint: 'abc', image: { name: 'debian-12', digest: 'sha256:0' } },
      files: { kind: 'folder', directory: folder },
    })
    await expect(readLocalJob(folder, `../${id}`)).resolves.toMatchObject({ failed: 1 })
    await expect(readLocalJob(folder, '..')).rejects.toBeInstanceOf(ConfigError)
  })
})
