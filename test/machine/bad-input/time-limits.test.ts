import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import { exitCodeOfJobs } from '../../../orchestrator/command/exit-codes.ts'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import { runJob } from '../../../runner/job/run-job.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import { localImage, plainHost } from '../acceptance/boot.ts'
import { type Bench, createBench, expectNothingLeft } from '../mayfly.ts'
import { startClone } from '../templates/clones.ts'
import { artifactText, expectTimedOut } from './expect-end.ts'

describe('a job that does not end', () => {
  it('is timed-out by its step, which is told to end, and keeps the artifacts that are always wanted', async () => {
    const bench = await createBench()
    const run = await bench.run(`
resources: { cpus: 2, memory: 512MiB }
network: none
steps:
  - name: busy
    run: |
      end=$(($(date +%s) + 3)); while [ $(date +%s) -lt $end ]; do :; done
      head -c 5M /dev/urandom >random; sync
  - name: slow
    timeout: 8s
    run: |
      mkdir out
      ln -s /etc/passwd out/escape
      ln -s ../.. out/up
      ln -s /nowhere out/dangling
      trap 'echo told to end | tee out/report; exit 7' TERM
      sleep 600 &
      wait
  - run: echo this must never run
artifacts:
  - { path: "out/**", when: always }
  - { path: "out/report", when: success }
`)
    expectTimedOut(run, 'step "slow" did not end within its 8.00 s: the machine sat idle')
    expect(run.record?.steps.map(({ status }) => status)).toEqual(['passed', 'timed-out', 'skipped'])
    // What each took is seen from the host: one kept a processor busy, the other waited.
    const [busy, slow] = (run.record?.steps ?? []).map(({ use, ms }) => ({
      ...use,
      cpus: (use?.cpuMs ?? 0) / ms,
    }))
    expect(busy?.cpus).toBeGreaterThan(0.3)
    expect(slow?.cpus).toBeLessThan((busy?.cpus ?? 0) / 2)
    expect(busy?.diskWritten).toBeGreaterThan(5 * 2 ** 20)
    expect(busy?.memory).toBeGreaterThan(50 * 2 ** 20)
    const timeline = await readFile(join(run.folder, 'timeline.jsonl'), 'utf8')
    expect(timeline.match(/"type":"sample"/g)?.length).toBeGreaterThan(8)
    expect(await artifactText(run, 'out/report')).toBe('told to end\n')
    expect(run.record?.artifacts).toEqual([{ path: 'out/report', bytes: 12 }])
    expect(run.output).toContain('artifact "out/escape": a link that leaves /home/ci/work')
    expect(run.output).toContain('artifact "out/up": a link that leaves /home/ci/work')
    expect(run.output).toMatch(/artifact "out\/dangling": .*(nowhere|leaves|nothing)/)
    expect(await artifactText(run, 'out/escape')).toBe(undefined)
    await expectNothingLeft(bench)
  })

  it('is timed-out as a whole, and keeps the artifacts that are always wanted', async () => {
    const bench = await createBench()
    // Booted before, so that no busy host spends the job's time on it.
    const machine = await (await startClone({ data: bench.data })).ready
    const { record, folder } = await runOn(machine, bench, [
      'timeout: 30s',
      'steps: [ { run: echo kept >kept; echo dropped >dropped }, { run: sleep 600 } ]',
      'artifacts: [ { path: kept, when: always }, { path: dropped, when: success } ]',
    ])
    expect(record).toMatchObject({
      verdict: 'timed-out',
      reason: 'the job did not end within its 30.0 s, in step "sleep 600"',
      hint: expect.stringContaining('give it a longer `timeout`'),
    })
    expect(exitCodeOfJobs([record])).toBe(1)
    expect(record.steps.map(({ status }) => status)).toEqual(['passed', 'timed-out'])
    expect(await artifactText({ folder }, 'kept')).toBe('kept\n')
    expect(await artifactText({ folder }, 'dropped')).toBe(undefined)
    await expectNothingLeft(bench)
  })
})

/** Lives a job on a machine that is there already. */
async function runOn(
  machine: Machine,
  { data, work }: Bench,
  lines: readonly string[],
): Promise<{ record: JobRecord; folder: string }> {
  const { jobs } = parsePipeline({ file: '.mayfly.yml', text: lines.join('\n') })
  const [job] = jobs
  if (job === undefined) throw new Error('expected a job')
  const host = await plainHost()
  const record = await runJob({
    job,
    context: { jobId: 'limited', buildId: 'limited', repo: 'test', ref: '', sha: '', event: 'manual' },
    secrets: {},
    host,
    dataFolder: data,
    source: directorySource({ directory: work, limits: { bytes: host.limits.uploadBytes } }),
    ensureImage: localImage,
    startMachine: async () => machine,
    signal: new AbortController().signal,
    onEvent: () => undefined,
    onImageProgress: () => undefined,
  })
  return { record, folder: jobFolderPath(data, 'limited') }
}
