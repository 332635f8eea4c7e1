import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import { createArchive } from '../../../orchestrator/archive/archive.ts'
import { machinePaths } from '../../../runner/machine/filenames.ts'
import type { FakeStartOptions } from '../../fake-start.ts'
import { until } from '../until.ts'
import { startWhole, type Whole } from '../whole/whole-server.ts'

const file = `resources: { cpus: 1, memory: 256MiB }
steps:
  - name: work
    run: make
artifacts: [out.txt]
`
const machine: FakeStartOptions = {
  steps: () => ({ prints: ['step output\n'], console: 'kernel: all is well\n' }),
  files: { 'out.txt': 'the artifact' },
}
let whole: Whole
afterEach(() => whole?.close())

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

async function finished(name: string) {
  await whole.deliver(await whole.repository(name, { '.mayfly.yml': file }))
  const build = await whole.verdict(name)
  expect(build).toMatchObject({ state: 'passed' })
  return { build, job: build.jobs[0]?.id ?? '' }
}

const get = (path: string) => fetch(`${whole.url}/api/v1${path}`)

it('AC47: logs outlive the folders of the machine, and the process that ran it', async () => {
  let folder = ''
  whole = await startWhole({
    machine: {
      // What QEMU writes beside it while it runs; whoever finds it later without an owner removes it.
      steps: () => {
        const id = whole.start.orders.at(-1)?.id ?? ''
        folder = machinePaths({ dataFolder: whole.data, id, env: {}, uid: 0 }).folder
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, 'console.raw'), 'kernel: all is well\n')
        const longAgo = Date.now() / 1000 - 3600
        utimesSync(folder, longAgo, longAgo)
        return { prints: ['step output\n'], console: 'kernel: all is well\n' }
      },
    },
  })
  const { job } = await finished('octo/outlive')
  expect(await isThere(folder)).toBe(true)
  await whole.restart()
  await until('the next start has removed it', async () => !(await isThere(folder)))
  expect(await (await get(`/jobs/${job}/log`)).text()).toContain('step output')
  expect(await (await get(`/jobs/${job}/console`)).text()).toContain('kernel: all is well')
})

it('keeps each finished job as a folder, and the records of build and jobs, in the folder that is configured', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-kept-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  whole = await startWhole({ machine, host: { archive: folder } })
  const { build, job } = await finished('octo/kept')
  const read = () => createArchive({ folder }).read(build.id)
  await until('the record is kept', async () => (await read()) !== undefined)
  expect(await read()).toMatchObject({
    format: 1,
    build: { id: build.id, state: 'passed', repository: 'github:octo/kept', trigger: { sha: build.sha } },
    jobs: [{ id: job, state: 'passed', attempt: 1, name: 'main', host: expect.any(String) }],
  })
  const names = await readdir(join(folder, 'jobs', `${job}-1`))
  expect(names).toEqual(
    expect.arrayContaining(['record.json', 'log', 'console', 'timeline.jsonl', 'artifacts']),
  )
  expect(await readFile(join(folder, 'jobs', `${job}-1`, 'artifacts', 'out.txt'), 'utf8')).toBe(
    'the artifact',
  )
  expect(await isThere(join(whole.data, 'jobs'))).toBe(false)
  expect(await (await get(`/jobs/${job}/artifacts/out.txt`)).text()).toBe('the artifact')
})

it('answers 410 for what retention removed, and 404 for what never was', async () => {
  const long = 365 * 86_400_000
  whole = await startWhole({ machine, host: { retention: { builds: { age: long }, logs: 1, artifacts: 1 } } })
  const { build, job } = await finished('octo/old')
  expect((await get(`/jobs/${job}/artifacts/out.txt`)).status).toBe(200)
  // A sweep begins with each start.
  await whole.restart()
  await until('artifacts are gone', async () => (await get(`/jobs/${job}/artifacts/out.txt`)).status === 410)
  await until('logs are gone', async () => (await get(`/jobs/${job}/log`)).status === 410)
  expect((await get(`/jobs/${job}/artifacts`)).status).toBe(410)
  expect((await get(`/jobs/${job}`)).status).toBe(200)
  expect((await fetch(`${whole.url}/jobs/${job}`)).status).toBe(200)
  expect(await (await get(`/jobs/${job}/log`)).json()).toEqual({
    error: {
      message: expect.stringContaining('were removed'),
      hint: expect.stringContaining('retention.logs'),
    },
  })
  expect((await get('/builds/01jaaaaaaaaaaaaaaaaaaaaaaa')).status).toBe(404)
  expect((await get(`/builds/${build.id}`)).status).toBe(200)
})

it('answers 410 for a pruned build, its jobs, logs and pages, and has nothing of it left', async () => {
  whole = await startWhole({ machine, host: { retention: { builds: { age: 1 }, logs: 1, artifacts: 1 } } })
  const { build, job } = await finished('octo/pruned')
  await whole.restart()
  await until('it is pruned', async () => (await get(`/builds/${build.id}`)).status === 410)
  const paths = [`/jobs/${job}`, `/jobs/${job}/log`, `/jobs/${job}/artifacts`]
  for (const path of paths) expect((await get(path)).status).toBe(410)
  for (const path of [`/builds/${build.id}`, `/jobs/${job}`])
    expect((await fetch(`${whole.url}${path}`)).status).toBe(410)
  for (const path of [`/builds/${build.id}/retry`, `/builds/${build.id}/cancel`, `/jobs/${job}/cancel`])
    expect((await whole.api('POST', path)).status).toBe(410)
  await until('its folders are gone', async () => (await readdir(join(whole.data, 'jobs'))).length === 0)
  expect(await readdir(join(whole.data, 'builds'))).toEqual([])
  expect(await whole.builds('octo/pruned')).toEqual([])
  expect(await (await fetch(`${whole.url}/metrics`)).text()).toMatch(
    /mayfly_retention_total\{what="builds"\} 1/,
  )
})
