import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startGitServer } from '../../orchestrator/git-server.ts'
import { type Served, startServed } from '../end-to-end/served.ts'
import { createBench, expectNothingLeft, qemuProcesses } from '../mayfly.ts'
import { countingStep } from './counting-step.ts'

const lines = 120

const pipeline = `
resources: { cpus: 2, memory: 512MiB }
secrets: [ TOKEN ]
steps:
${countingStep({ lines, of: '$TOKEN' })}  - name: ends
    run: |
      printf 'and no line break'
      echo "$TOKEN" >report
artifacts: [ report ]
`

describe('a server that is killed while a job runs', () => {
  it('AC32: leaves the machine to the next one, which goes on with the log at the byte where it stopped, and ends the job once', async () => {
    const git = await startGitServer()
    onTestFinished(() => git.close())
    const name = 'octo/counts'
    const { cloneUrl } = await git.createRepository(name, { '.mayfly.yml': pipeline })
    const bench = await createBench({ templates: 'shared' })
    let served = await startServed(bench)
    expect((await served.api('POST', '/repositories', { forge: 'gitea', name, cloneUrl })).status).toBe(201)
    const scope = encodeURIComponent(`gitea:${name}`)
    const secret = { value: 'a-very-secret-value' }
    expect((await served.api('PUT', `/secrets/${scope}/TOKEN`, secret)).status).toBe(200)
    const { body: build } = await served.api('POST', '/builds', { forge: 'gitea', repository: name })
    const [job] = build.jobs as { id: string }[]
    const id = job?.id ?? ''
    const log = (from: Served) => from.text(`/api/v1/jobs/${id}/log`)

    const machines: number[] = []
    for (const line of [5, 40, 80]) {
      await eventually(`line ${line} of the log`, async () =>
        (await log(served)).includes(`line ${line} of`) ? true : undefined,
      )
      const [qemu] = await qemuProcesses(bench.data)
      machines.push(qemu?.pid ?? 0)
      await served.kill()
      await sleep(1500)
      expect((await qemuProcesses(bench.data)).map(({ pid }) => pid)).toEqual([qemu?.pid])
      served = await startServed(bench)
    }
    expect(new Set(machines).size).toBe(1)
    const ended = await eventually('the verdict', async () => {
      const { body } = await served.api('GET', `/jobs/${id}`)
      return body.ended === undefined ? undefined : body
    })
    expect(ended).toMatchObject({ state: 'passed', attempt: 1 })
    const text = await log(served)
    const counted = Array.from({ length: lines }, (_, index) => `line ${index + 1} of ***\n`).join('')
    const [before = '', after = ''] = text.split(counted)
    expect(text).toContain(counted)
    expect(before).toMatch(/step 1: counts\n$/)
    expect(after).toBe('[mayfly] step 2: ends\nand no line break')
    const record = (await served.api('GET', `/jobs/${id}/timeline`)).body
    expect(JSON.stringify(record)).not.toContain('a-very-secret-value')
    await eventually('the build to end', async () => {
      const { body } = await served.api('GET', `/builds/${String(build.id)}`)
      return body.ended === undefined ? undefined : true
    })
    expect(await served.text(`/api/v1/jobs/${id}/artifacts/report`)).toBe('a-very-secret-value\n')
    expect(await served.stop()).toBe(0)
    await expectNothingLeft(bench)
  })
})
