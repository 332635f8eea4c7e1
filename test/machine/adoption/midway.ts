import { expect, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startGitServer } from '../../orchestrator/git-server.ts'
import { type Served, type ServeOptions, startServed } from '../end-to-end/served.ts'
import { createBench, qemuProcesses } from '../mayfly.ts'
import { countingStep } from './counting-step.ts'

const lines = 60

const pipeline = `
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
${countingStep({ lines, of: 'all' })}`
/** All that the job's step prints. */
export const everyLine = Array.from({ length: lines }, (_, index) => `line ${index + 1} of all\n`).join('')

/** A server with a job whose step has written its fifth line. */
export async function midway(options: ServeOptions = {}) {
  const git = await startGitServer()
  onTestFinished(() => git.close())
  const name = 'octo/counts'
  const { cloneUrl } = await git.createRepository(name, { '.mayfly.yml': pipeline })
  const bench = await createBench({ templates: 'shared' })
  const served = await startServed(bench, options)
  expect((await served.api('POST', '/repositories', { forge: 'gitea', name, cloneUrl })).status).toBe(201)
  const { body: build } = await served.api('POST', '/builds', { forge: 'gitea', repository: name })
  const [job] = build.jobs as { id: string }[]
  const id = job?.id ?? ''
  const log = (from: Served) => from.text(`/api/v1/jobs/${id}/log`)
  await eventually('line 5 of the log', async () =>
    (await log(served)).includes('line 5 of') ? true : undefined,
  )
  const [qemu] = await qemuProcesses(bench.data)
  const verdict = (from: Served) =>
    eventually('the verdict', async () => {
      const { body } = await from.api('GET', `/jobs/${id}`)
      return body.ended === undefined ? undefined : body
    })
  return { bench, served, id, log, verdict, qemu: qemu?.pid ?? expect.fail('expected a machine') }
}
