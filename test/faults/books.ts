import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { jobFolderPath, logName } from '../../runner/job/filenames.ts'
import { readEvents } from '../../runner/job/past.ts'
import { memoryFolder } from '../../runner/keeper/memory-folder.ts'
import { runParent } from '../../runner/machine/filenames.ts'
import { type Installation, jobsOfDelivery, linesOfJob } from './installation.ts'
import { processesOf } from './processes-of.ts'

/** What should not be, each in a sentence. */
export type Books = { readonly lost: string[]; readonly doubled: string[]; readonly orphaned: string[] }

type Job = { id: string; state: string; attempt: number; name: string; reason?: string }
type Build = { id: string; sha: string; state: string; jobs: Job[] }

/** Compares what was accepted with what came of it. All servers are up still. */
export async function checkJobs(
  installation: Installation,
  shas: readonly string[],
): Promise<Omit<Books, 'orphaned'> & { jobs: Job[] }> {
  const lost: string[] = []
  const doubled: string[] = []
  const builds = await allBuilds(installation)
  for (const sha of shas) {
    const found = builds.filter((build) => build.sha === sha)
    if (found.length === 0) lost.push(`no build of delivery ${sha}`)
    if (found.length > 1) doubled.push(`${found.length} builds of delivery ${sha}`)
  }
  const jobs = builds.flatMap((build) => build.jobs)
  for (const build of builds) {
    if (build.jobs.length !== jobsOfDelivery) lost.push(`build ${build.id} has ${build.jobs.length} jobs`)
    for (const job of build.jobs) {
      await checkJob(installation, job, { lost, doubled })
      checkStatus(installation, build, job, { lost, doubled })
    }
  }
  return { lost, doubled, jobs }
}

type Found = Pick<Books, 'lost' | 'doubled'>

async function checkJob({ data }: Installation, job: Job, { lost, doubled }: Found): Promise<void> {
  const folder = jobFolderPath(data, `${job.id}-${job.attempt}`)
  const verdicts = (await readEvents(folder)).filter(({ type }) => type === 'verdict').length
  if (verdicts > 1) doubled.push(`job ${job.id} has ${verdicts} verdicts`)
  const log = await readFile(join(folder, logName), 'utf8').catch(() => '')
  const numbers = [...log.matchAll(/^line (\d+)$/gm)].map(([, number]) => Number(number))
  const wrong = numbers.findIndex((number, index) => number !== index + 1)
  if (wrong !== -1 && (numbers[wrong] ?? 0) <= wrong)
    doubled.push(`job ${job.id}: line ${numbers[wrong]} comes twice`)
  else if (wrong !== -1) lost.push(`job ${job.id}: after line ${wrong} comes line ${numbers[wrong]}`)
  else if (job.state === 'passed' && numbers.length !== linesOfJob)
    lost.push(`job ${job.id} passed with ${numbers.length} of ${linesOfJob} lines`)
}

const finalStates: ReadonlySet<unknown> = new Set(['success', 'failure', 'error'])

/** A forge keeps the last one for each context: the same told twice is one, another one after it is not. */
function checkStatus({ forge }: Installation, build: Build, job: Job, { lost, doubled }: Found): void {
  const told = forge.received.filter(
    ({ path, body }) => path.includes(build.sha) && isOf(String(body.context), job),
  )
  const last = told.at(-1)?.body.state
  const finals = new Set(told.map(({ body }) => body.state).filter((state) => finalStates.has(state)))
  if (!finalStates.has(last)) lost.push(`the last status of job ${job.id} is ${String(last)}`)
  else if ((last === 'success') !== (job.state === 'passed'))
    lost.push(`the last status of job ${job.id}, which ${job.state}, is ${String(last)}`)
  if (finals.size > 1) doubled.push(`job ${job.id} was told as ${[...finals].join(' and ')}`)
}

function isOf(context: string, { name }: Job): boolean {
  return context.endsWith(name)
}

export async function allBuilds(installation: Installation): Promise<Build[]> {
  const builds: Build[] = []
  let cursor = ''
  do {
    const page = await installation.get(
      `/builds?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    for (const { id } of page.items as { id: string }[]) {
      builds.push((await installation.get(`/builds/${id}`)) as unknown as Build)
    }
    cursor = String(page.next ?? '')
  } while (cursor !== '')
  return builds
}

/** What is left when all servers have ended. */
export async function checkLeftovers(
  { data, redis, folder }: Installation,
  jobs: readonly Job[],
): Promise<string[]> {
  const left: string[] = []
  for (const [pid, line] of await processesOf(folder)) left.push(`process ${pid}: ${line.slice(0, 120)}`)
  for (const name of await namesIn(join(data, 'machines'))) left.push(`machine folder ${name}`)
  for (const name of await namesIn(join(data, 'host', 'processes'))) left.push(`process record ${name}`)
  const machines = new Set(
    jobs.flatMap(({ id, attempt }) =>
      Array.from({ length: attempt }, (_, index) => `${id}-${index + 1}`.toLowerCase().slice(0, 60)),
    ),
  )
  for (const id of machines) {
    const runFolder = join(runParent({ id, env: process.env, uid: userInfo().uid }), id)
    if (existsSync(runFolder)) left.push(`run folder ${runFolder}`)
    if (existsSync(join(memoryFolder(), `${id}.json`))) left.push(`key of ${id}`)
  }
  for (const users of await usersFolders(data))
    for (const name of await namesIn(users)) if (machines.has(name)) left.push(`claim ${join(users, name)}`)
  const client = redis.connect()
  left.push(...(await keysOfLine(client)).map((key) => `Redis key ${key}`))
  if ((await client.hlen('mayfly:hosts')) > 0)
    left.push(`hosts in Redis: ${await client.hkeys('mayfly:hosts')}`)
  return left
}

/** What Redis has of jobs in line, whichever line and lane, or in the hands of a host. */
export async function keysOfLine(redis: Redis): Promise<string[]> {
  const keys = await redis.keys('*')
  return keys.filter((key) =>
    /:jobs[^:]*:(?:.*:lock|active|wait|prioritized|delayed|stalled)$|:line:.*:(?:offered|clock|shares|lane:.*)$/.test(
      key,
    ),
  )
}

async function usersFolders(data: string): Promise<string[]> {
  const images = join(data, 'images')
  const templates = join(data, 'templates')
  const names = await namesIn(images)
  return [
    ...names.map((name) => join(images, name, 'current', 'users')),
    ...(await namesIn(templates)).map((name) => join(templates, name, 'users')),
  ]
}

const namesIn = (folder: string) => readdir(folder).catch(() => [])
