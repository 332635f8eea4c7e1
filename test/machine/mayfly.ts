import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, inject, onTestFinished } from 'vitest'
import { packageRoot } from '../../images/package-root.ts'
import type { JobRecord } from '../../runner/job/job-record.ts'
import { machinePaths } from '../../runner/machine/filenames.ts'
import { eventually } from '../eventually.ts'

/** A data folder of one test's own, on the image that all share, with a folder for its files. */
export type Bench = {
  readonly data: string
  /** What is uploaded; holds the pipeline file. */
  readonly work: string
  /** Starts `mayfly ARGS` as a user would; `--data` is set by the environment. */
  mayfly(args: readonly string[], options?: { env?: Record<string, string> }): Mayfly
  /** Waits for a `mayfly run` and reads what its last job left. */
  result(started: Mayfly): Promise<Run>
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

/** The `mayfly` that global-setup built. */
export const mainFile = join(packageRoot(), 'dist', 'orchestrator', 'command', 'main.js')
export const builtCommand = [process.execPath, mainFile] as const

type BenchOptions = {
  /** What `mayfly` stands for. @defaultValue the build in dist/ */
  readonly command?: readonly [string, ...string[]]
  /** Whether the image that all share lies on the shelf. @defaultValue true */
  readonly withImage?: boolean
  /**
   * Where machines start from: the templates that all tests share, templates of the bench's own, or cold.
   * @defaultValue 'shared', or 'own' where the image is not shared either
   */
  readonly templates?: 'shared' | 'own' | 'none'
  /** A folder that is there already and stays, such as one on a small disk. @defaultValue one of the bench's own */
  readonly data?: string
}

/** Makes a bench that is removed when the test is over. */
export async function createBench(options: BenchOptions = {}): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { command = builtCommand, withImage = true, data = join(folder, 'data') } = options
  const { templates = withImage ? 'shared' : 'own' } = options
  const work = join(folder, 'work')
  await mkdir(data, { recursive: true })
  await mkdir(work)
  if (withImage) await symlink(join(inject('sharedData'), 'images'), join(data, 'images'))

  if (templates === 'shared') await symlink(join(inject('sharedData'), 'templates'), join(data, 'templates'))
  const coldHost = join(folder, 'host.yml')
  if (templates === 'none') await writeFile(coldHost, 'templates: { use: false }\n')

  const mayfly: Bench['mayfly'] = (args, { env = {} } = {}) =>
    startMayfly({
      command: [...command, ...args],
      cwd: work,
      env: { MAYFLY_DATA: data, NO_COLOR: '1', MAYFLY_CONFIG: templates === 'none' ? coldHost : '', ...env },
    })
  const records = async () =>
    await Promise.all((await jobIds(data)).map((id) => readRecord(join(data, 'jobs', id))))
  const result: Bench['result'] = async (started) => {
    const { exitCode, all } = await started
    const id = (await jobIds(data)).at(-1)
    const jobFolder = join(data, 'jobs', id ?? 'none')
    return {
      code: exitCode,
      output: String(all),
      record: existsSync(join(jobFolder, 'record.json')) ? await readRecord(jobFolder) : undefined,
      log: await textOf(join(jobFolder, 'log')),
      console: await textOf(join(jobFolder, 'console')),
      folder: jobFolder,
    }
  }
  return {
    data,
    work,
    mayfly,
    records,
    result,
    async run(pipeline, args = []) {
      await writeFile(join(work, '.mayfly.yml'), pipeline)
      return await result(mayfly(['run', ...args]))
    },
  }
}

type Start = { command: readonly [string, ...string[]]; cwd: string; env: Record<string, string> }

function startMayfly({ command: [program, ...args], cwd, env }: Start) {
  return execa(program, args, { cwd, env, all: true, reject: false, stdin: 'ignore', maxBuffer: 2 ** 28 })
}

/** No QEMU, no overlay, no seed, no socket, no claim on an image of any machine that this bench has had. */
export async function expectNothingLeft({ data }: Pick<Bench, 'data'>): Promise<void> {
  expect(await qemuProcesses(data)).toEqual([])
  await eventually('keepers to be gone', async () =>
    (await machineProcesses(data)).length === 0 ? true : undefined,
  )
  expect(existsSync(join(data, 'machines')) ? await readdir(join(data, 'machines')) : []).toEqual([])
  const claims = await imageClaims(data)
  for (const id of await jobIds(data)) {
    const machine = id.toLowerCase().slice(0, 60)
    const { runFolder } = machinePaths({
      dataFolder: data,
      id: machine,
      env: process.env,
      uid: userInfo().uid,
    })
    expect(existsSync(runFolder)).toBe(false)
    expect(claims).not.toContain(machine)
  }
}

/** Machines that say they stand on an image; the shelf is shared, so those of other tests too. */
async function imageClaims(data: string): Promise<string[]> {
  const images = join(data, 'images')
  const names = existsSync(images) ? await readdir(images) : []
  const folders = names.map((name) => join(images, name, 'current', 'users')).filter(existsSync)
  return (await Promise.all(folders.map((folder) => readdir(folder)))).flat()
}

/** Command lines of the QEMU processes whose files are in a data folder. */
export async function qemuProcesses(data: string): Promise<Process[]> {
  return (await machineProcesses(data)).filter(({ commandLine }) => /^[^\0]*qemu-system/.test(commandLine))
}

type Process = { pid: number; commandLine: string }

/** The same, and their keepers. */
async function machineProcesses(data: string): Promise<Process[]> {
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
