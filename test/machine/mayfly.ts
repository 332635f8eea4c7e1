import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, inject, onTestFinished } from 'vitest'
import { packageRoot } from '../../images/package-root.ts'
import type { JobRecord } from '../../runner/job/job-record.ts'

/** A data folder of one test's own, on the image that all share, with a folder for its files. */
export type Bench = {
  readonly data: string
  /** What is uploaded; holds the pipeline file. */
  readonly work: string
  /** Starts `mayfly ARGS` as a user would; `--data` is set by the environment. */
  mayfly(args: readonly string[], options?: { env?: Record<string, string> }): Mayfly
  /** Writes the pipeline file and runs it. */
  run(pipeline: string, args?: readonly string[]): Promise<Run>
  /** The records of all jobs that ran here, oldest first. */
  records(): Promise<JobRecord[]>
}

export type Mayfly = ReturnType<typeof startMayfly>

export type Run = {
  readonly code: number | undefined
  /** Standard output and error, in the order they came. */
  readonly output: string
  readonly record: JobRecord | undefined
  readonly log: string
  readonly console: string
  readonly folder: string
}

export const mainFile = join(packageRoot(), 'dist', 'orchestrator', 'command', 'main.js')

/** Makes a bench that is removed when the test is over. */
export async function createBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const data = join(folder, 'data')
  const work = join(folder, 'work')
  await mkdir(data)
  await mkdir(work)
  await symlink(join(inject('sharedData'), 'images'), join(data, 'images'))

  const mayfly: Bench['mayfly'] = (args, { env = {} } = {}) =>
    startMayfly({ args, cwd: work, env: { MAYFLY_DATA: data, NO_COLOR: '1', MAYFLY_CONFIG: '', ...env } })
  const records = async () =>
    await Promise.all((await jobIds(data)).map((id) => readRecord(join(data, 'jobs', id))))
  return {
    data,
    work,
    mayfly,
    records,
    async run(pipeline, args = []) {
      await writeFile(join(work, '.mayfly.yml'), pipeline)
      const { exitCode, all } = await mayfly(['run', ...args])
      const id = (await jobIds(data)).at(-1)
      const jobFolder = join(data, 'jobs', id ?? 'none')
      const record = id === undefined ? undefined : await readRecord(jobFolder)
      return {
        code: exitCode,
        output: String(all),
        record,
        log: await textOf(join(jobFolder, 'log')),
        console: await textOf(join(jobFolder, 'console')),
        folder: jobFolder,
      }
    },
  }
}

function startMayfly({
  args,
  cwd,
  env,
}: {
  args: readonly string[]
  cwd: string
  env: Record<string, string>
}) {
  return execa(process.execPath, [mainFile, ...args], { cwd, env, all: true, reject: false, stdin: 'ignore' })
}

/** No QEMU, no overlay, no seed, no socket of any machine that this bench has had. */
export async function expectNothingLeft({ data }: Pick<Bench, 'data'>): Promise<void> {
  expect(await qemuProcesses(data)).toEqual([])
  expect(existsSync(join(data, 'machines')) ? await readdir(join(data, 'machines')) : []).toEqual([])
  const runFolder = process.getuid?.() === 0 ? '/run/mayfly' : undefined
  for (const id of await jobIds(data)) {
    if (runFolder !== undefined)
      expect(existsSync(join(runFolder, id.toLowerCase().slice(0, 60)))).toBe(false)
  }
}

/** Command lines of the QEMU processes whose files are in a data folder. */
export async function qemuProcesses(data: string): Promise<{ pid: number; commandLine: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const all = await Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      commandLine: await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''),
    })),
  )
  return all.filter(({ commandLine }) => commandLine.includes('qemu-system') && commandLine.includes(data))
}

async function jobIds(data: string): Promise<string[]> {
  const jobs = join(data, 'jobs')
  return existsSync(jobs) ? (await readdir(jobs)).sort() : []
}

async function readRecord(folder: string): Promise<JobRecord> {
  return JSON.parse(await readFile(join(folder, 'record.json'), 'utf8')) as JobRecord
}

async function textOf(file: string): Promise<string> {
  return existsSync(file) ? await readFile(file, 'latin1') : ''
}
