import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { httpWorld } from './http-world.ts'

const debug = { scopes: ['debug'] as const }

it('tells what a job ran to the scope `debug` alone, before and after its record is written', async () => {
  const { ask, addJob } = await httpWorld()
  const { job, build, folder } = await addJob({ state: 'failed' })
  const path = `/api/v1/jobs/${job.id}/repro`
  expect((await ask(path, debug)).status).toBe(200)
  expect((await ask(path)).status).toBe(401)
  expect((await ask(path, { scopes: ['read', 'submit'] })).status).toBe(403)
  expect((await ask('/api/v1/jobs/nobody/repro', debug)).status).toBe(404)
  const before = await (await ask(path, debug)).json()
  expect(before).toMatchObject({
    id: job.id,
    job: { name: job.job.name, resources: job.resources },
    repository: { forge: 'gitea', name: 'mayfly/hello' },
    sha: build.trigger.sha,
  })
  expect(before).not.toHaveProperty('failed')
  const machine = {
    image: 'debian-12',
    imageDigest: 'sha256:1',
    checkpoint: { state: 'restored', key: 'abc0' },
  }
  const steps = [
    { index: 0, status: 'passed' },
    { index: 1, status: 'failed' },
  ]
  await writeFile(join(folder, 'record.json'), JSON.stringify({ machine, steps }))
  expect(await (await ask(path, debug)).json()).toMatchObject({
    failed: 1,
    checkpoint: 'abc0',
    image: { name: 'debian-12', digest: 'sha256:1' },
  })
})

it('gives the files of a job to the scope `debug` alone, and lets go of them afterwards', async () => {
  let released = 0
  const { ask, addJob, parts } = await httpWorld({
    jobFiles: async () => ({
      tree: async () => ({ stream: Readable.from([Buffer.from('a tar')]), notes: [] }),
      files: async () => ({ stream: Readable.from([]), notes: [] }),
      release: async () => {
        released += 1
      },
    }),
  })
  const { job } = await addJob({ state: 'failed' })
  const path = `/api/v1/jobs/${job.id}/files`
  expect((await ask(path, { scopes: ['read'] })).status).toBe(403)
  const answer = await ask(path, debug)
  expect([answer.status, await answer.text()]).toEqual([200, 'a tar'])
  expect(released).toBe(1)
  expect(await parts.store.jobs.get(job.id)).toMatchObject({ id: job.id })
})
