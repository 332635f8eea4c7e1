import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { loadHostConfig } from '../../config/host/load-host-config.ts'
import { jobFolderPath, timelineName } from '../../runner/job/filenames.ts'
import type { JobEvent } from '../../runner/job/job-event.ts'
import { until } from '../orchestrator/until.ts'
import { oneJob, startWhole } from '../orchestrator/whole/whole-server.ts'
import { processMemory } from '../serve-process.ts'

/** What it is told, as JSON in its first argument: bytes of each log, and ms that its step is silent before them. */
export type LogServerOrder = { readonly bytes: number; readonly silentMs: number }

/** What it prints once there is a job. */
export type LogServerRunning = { readonly url: string; readonly job: string }

/** What it prints once that job has its verdict. Memory is the whole process's, in MiB. */
export type LogServerResult = {
  readonly megabytesPerSecond: number
  readonly memoryBefore: number
  readonly memoryPeak: number
}

// A whole server with a fake machine: each line on standard input is a push, whose job prints a long log.
const { bytes, silentMs } = JSON.parse(process.argv[2] ?? '') as LogServerOrder
const line = `${'a line of a build, eighty bytes long, as a compiler prints them by thousands'.padEnd(79)}\n`
const chunk = Buffer.from(line.repeat(400))
const chunks = Array.from({ length: Math.ceil(bytes / chunk.length) }, () => chunk)
const { limits } = await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })
const whole = await startWhole({
  host: { limits: { ...limits, logBytes: 2 * bytes } },
  machine: { steps: () => ({ prints: [silentMs, ...chunks] }) },
})
let runs = 0
try {
  for await (const _ of createInterface({ input: process.stdin })) await run(`octo/log-${runs++}`)
} finally {
  await whole.close()
}

async function run(name: string): Promise<void> {
  await whole.deliver(await whole.repository(name, { '.mayfly.yml': oneJob }))
  let job = ''
  await until('the job is there', async () => {
    job = (await whole.builds(name))[0]?.jobs[0]?.id ?? ''
    return job !== ''
  })
  say({ url: whole.url, job } satisfies LogServerRunning)
  const memoryBefore = processMemory(process.pid, 'VmRSS')
  let memoryPeak = 0
  const watch = setInterval(() => {
    memoryPeak = Math.max(memoryPeak, processMemory(process.pid, 'VmRSS'))
  }, 50)
  const { jobs } = await whole.verdict(name, 120_000)
  clearInterval(watch)
  if (jobs[0]?.state !== 'passed') throw new Error(`the job ended as ${JSON.stringify(jobs[0])}`)
  const seconds = ((await stepMs(job)) - silentMs) / 1000
  const megabytesPerSecond = (chunks.length * chunk.length) / 1e6 / seconds
  say({ megabytesPerSecond, memoryBefore, memoryPeak } satisfies LogServerResult)
}

async function stepMs(job: string): Promise<number> {
  const file = join(jobFolderPath(whole.data, `${job}-1`), timelineName)
  const events = (await readFile(file, 'utf8')).trim().split('\n')
  const ended = events.map((text) => JSON.parse(text) as JobEvent).find(({ type }) => type === 'step-ended')
  return ended?.type === 'step-ended' ? ended.ms : Number.NaN
}

function say(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}
