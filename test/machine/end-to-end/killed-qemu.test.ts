import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startGitServer } from '../../orchestrator/git-server.ts'
import { createBench, expectNothingLeft, qemuProcesses } from '../mayfly.ts'
import { startServed } from './served.ts'

const pipeline = `
resources: { cpus: 2, memory: 512MiB }
network: none
retry: { max: 1 }
steps:
  - name: endless at first
    run: |
      case $MAYFLY_JOB_ID in
      *-1) echo "it has begun"; touch left-behind; sleep 3600 ;;
      *) ls; echo "again" ;;
      esac
`

describe('a machine that is killed with SIGKILL while its job runs', () => {
  it('AC26, AC27: is known as dead at once, its job as errored, and the next attempt has a machine of its own', async () => {
    const git = await startGitServer()
    onTestFinished(() => git.close())
    const name = 'octo/killed'
    const { cloneUrl } = await git.createRepository(name, { '.mayfly.yml': pipeline })
    const bench = await createBench()
    const served = await startServed(bench)
    expect((await served.api('POST', '/repositories', { forge: 'gitea', name, cloneUrl })).status).toBe(201)
    const { body: build } = await served.api('POST', '/builds', { forge: 'gitea', repository: name })
    const [job] = build.jobs as { id: string }[]
    const id = job?.id ?? ''
    await eventually('its step to run', async () =>
      (await served.text(`/api/v1/jobs/${id}/log`)).includes('it has begun') ? true : undefined,
    )
    const [qemu] = await qemuProcesses(bench.data)
    process.kill(qemu?.pid ?? 0, 'SIGKILL')
    const killed = performance.now()
    const again = await eventually('the next attempt', async () => {
      const { body } = await served.api('GET', `/jobs/${id}`)
      return body.attempt === 2 ? body : undefined
    })
    expect(performance.now() - killed).toBeLessThan(10_000)
    expect(again).toMatchObject({ attempt: 2 })
    const record = await eventually('the record of the first', async () => {
      const text = await readRecord(bench.data, `${id}-1`)
      return text?.verdict === undefined ? undefined : text
    })
    expect(record).toMatchObject({
      ...{ verdict: 'errored', failure: 'machine-died' },
      reason: expect.stringContaining('QEMU was killed by SIGKILL'),
    })
    const ended = await eventually('the verdict', async () => {
      const { body } = await served.api('GET', `/jobs/${id}`)
      return body.ended === undefined ? undefined : body
    })
    expect(ended).toMatchObject({ state: 'passed', attempt: 2 })
    const log = await served.text(`/api/v1/jobs/${id}/log`)
    expect(log).toContain('again')
    expect(log).not.toContain('left-behind')
    await eventually('every machine to be removed', async () =>
      (await readdir(join(bench.data, 'machines'))).length === 0 ? true : undefined,
    )
    expect(await qemuProcesses(bench.data)).toEqual([])
    expect(((await served.api('GET', '/hosts')).body.items as { running: string[] }[])[0]?.running).toEqual(
      [],
    )
    expect(await served.stop()).toBe(0)
    await expectNothingLeft(bench)
  })
})

async function readRecord(data: string, attempt: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(join(data, 'jobs', attempt, 'record.json'), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>)
}
