import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startGitServer } from '../../orchestrator/git-server.ts'
import { createBench, expectNothingLeft, qemuProcesses } from '../mayfly.ts'
import { startServed } from './served.ts'

const pipeline = `
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - name: endless
    run: |
      echo "it has begun"
      sleep 3600
`

describe('the machine of a job', () => {
  it('AC33, AC34: outlives a delete of its job, and is ended at once by a kill although it stands still', async () => {
    const git = await startGitServer()
    onTestFinished(() => git.close())
    const { cloneUrl } = await git.createRepository('octo/endless', { '.mayfly.yml': pipeline })
    const bench = await createBench()
    const served = await startServed(bench)
    const name = 'octo/endless'
    expect((await served.api('POST', '/repositories', { forge: 'gitea', name, cloneUrl })).status).toBe(201)
    const { body: build } = await served.api('POST', '/builds', { forge: 'gitea', repository: name })
    const [job] = build.jobs as { id: string }[]
    const id = job?.id ?? ''
    await eventually('its step to run', async () =>
      (await served.text(`/api/v1/jobs/${id}/log`)).includes('it has begun') ? true : undefined,
    )

    const remove = () => fetch(`${served.url}/api/v1/jobs/${id}`, { method: 'DELETE' })
    expect((await remove()).status).toBe(409)
    const [qemu] = await qemuProcesses(bench.data)
    expect(qemu).toBeDefined()

    // It answers nothing any more: neither its power button nor SIGTERM would end it.
    process.kill(qemu?.pid ?? 0, 'SIGSTOP')
    const started = performance.now()
    expect((await served.api('POST', `/jobs/${id}/kill`)).status).toBe(202)
    await eventually('QEMU to be gone', async () =>
      (await qemuProcesses(bench.data)).length === 0 ? true : undefined,
    )
    expect(performance.now() - started).toBeLessThan(10_000)
    const ended = await eventually('the verdict', async () => {
      const { body } = await served.api('GET', `/jobs/${id}`)
      return body.ended === undefined ? undefined : body
    })
    expect(ended).toMatchObject({
      state: 'cancelled',
      reason: 'killed by local: its machine was ended with SIGKILL',
    })

    await eventually('its build to end', async () => {
      const { body } = await served.api('GET', `/builds/${String(build.id)}`)
      return body.ended === undefined ? undefined : true
    })
    expect((await remove()).status).toBe(204)
    const folders = join(bench.data, 'jobs')
    expect(existsSync(folders) ? await readdir(folders) : []).toEqual([])
    expect(await served.stop()).toBe(0)
    await expectNothingLeft(bench)
  })
})
