import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packageRoot } from '../../../images/package-root.ts'
import { isEnded, type JobState } from '../../../orchestrator/model/build.ts'
import { jobFolderPath, logName } from '../../../runner/job/filenames.ts'
import { readEvents } from '../../../runner/job/past.ts'
import { eventually } from '../../eventually.ts'
import { serverProcess } from '../../faults/server-process.ts'
import { startGitServer } from '../../orchestrator/git-server.ts'
import { startStandIn } from '../../orchestrator/statuses/stand-in.ts'
import { until } from '../../orchestrator/until.ts'
import { githubCall, pushOf, secrets } from '../../orchestrator/whole/github-call.ts'
import { lanHost } from './lan-host.ts'
import { countingPipeline, type Ended, type Seen } from './seen.ts'

/**
 * On the LAN of `lan`: Redis, a web process, git and a forge, and a worker on each of the hosts. While each runs a job,
 * one host loses its power and another is cut off until its job was given to somebody else. Prints what was seen as
 * JSON, a `Seen`. Arguments: FOLDER SHARED-DATA.
 */
const [folder = '', sharedData = ''] = process.argv.slice(2)
const lan = '192.168.78.1'
const name = 'octo/counts'
const longMs = 300_000

type Job = { id: string; state: string; attempt: number; host?: string }

const redisArgs = `--bind ${lan} --port 6379 --requirepass a-password --appendonly yes --appendfsync always`
const redis = spawn(
  'setpriv',
  ['--pdeathsig', 'KILL', 'redis-server', '--dir', folder, '--save', '', ...redisArgs.split(' ')],
  { stdio: ['ignore', 'ignore', 'inherit'] },
)
const git = await startGitServer({}, lan)
const forge = await startStandIn(lan)
const archive = join(folder, 'archive')
const config = join(folder, 'mayfly.yml')
const host = {
  listen: '127.0.0.1:8080',
  secrets_key: join(folder, 'secrets.key'),
  redis: `redis://:a-password@${lan}:6379`,
  archive,
}
await mkdir(archive)
await writeFile(config, JSON.stringify(host))
const makeData = async (of: string) => {
  const data = join(folder, of)
  await mkdir(data)
  for (const shared of ['images', 'templates']) await symlink(join(sharedData, shared), join(data, shared))
  return data
}
const main = join(packageRoot(), 'dist', 'orchestrator', 'command', 'main.js')
const web = serverProcess({
  name: 'web',
  args: [main, 'serve', '--role', 'web', '--config', config],
  env: { ...process.env, MAYFLY_DATA: await makeData('web'), MAYFLY_LOG_LEVEL: 'info', NO_COLOR: '1' },
  logFile: join(folder, 'web.log'),
})
const pids = (process.env.HOST_PIDS ?? '').trim().split(' ').map(Number)
const hosts = await Promise.all(
  pids.map(async (pid, index) => {
    const number = index + 1
    const logFile = join(folder, `host-${number}.log`)
    return lanHost({ number, pid, data: await makeData(`host-${number}`), config, logFile })
  }),
)
await web.start()
await Promise.all(hosts.map(({ worker }) => worker.start()))

const api = async (path: string, body?: object): Promise<Record<string, unknown>> => {
  const json = { 'content-type': 'application/json' }
  const sent = body && { method: 'POST', headers: json, body: JSON.stringify(body) }
  const answer = await fetch(`http://127.0.0.1:8080/api/v1${path}`, sent)
  if (!answer.ok)
    throw new Error(`expected an answer to ${path}, got ${answer.status}: ${await answer.text()}`)
  return (await answer.json()) as Record<string, unknown>
}
const { cloneUrl, sha } = await git.createRepository(name, { '.mayfly.yml': countingPipeline })
await api('/repositories', { forge: 'github', name, cloneUrl, apiUrl: forge.url, secrets })
const { path, ...call } = githubCall({ body: JSON.stringify(pushOf({ name, cloneUrl, sha })) })
await fetch(`http://127.0.0.1:8080${path}`, call)

const jobs = async (): Promise<Job[]> => {
  const { items } = await api('/builds')
  const [build] = items as { id: string }[]
  return build === undefined ? [] : ((await api(`/builds/${build.id}`)).jobs as Job[])
}
const logOf = ({ id, attempt }: Job) =>
  readFile(join(jobFolderPath(archive, `${id}-${attempt}`), logName), 'utf8').catch(() => '')
const hostOf = (job: Job | undefined) => {
  const found = hosts.find(({ worker }) => job?.host?.endsWith(`-${worker.pid}`))
  if (found === undefined) throw new Error(`expected a job on one of the hosts, got ${JSON.stringify(job)}`)
  return found
}
const underWay = await eventually('a job that prints on each host', async () => {
  const all = await jobs()
  const logs = await Promise.all(all.map(logOf))
  return all.length === 3 && logs.every((log) => log.includes('line 5\n')) ? all : undefined
})
const [killed, cut, calm] = underWay.map(hostOf)
if (killed === undefined || cut === undefined || calm === undefined) throw new Error('expected three hosts')
await Promise.all([killed.powerOff(), cut.link('down')])
const cutJob = underWay[1]?.id
const goesOnElsewhere = async () => {
  const job = (await jobs()).find(({ id }) => id === cutJob)
  return job !== undefined && job.attempt > 1 && (await logOf(job)).includes('line 2\n')
}
await until('the job of the host that was cut off to print elsewhere', goesOnElsewhere, longMs)
await cut.link('up')
const areOver = async () => (await jobs()).every(({ state }) => isEnded(state as JobState))
await until('the end of all jobs', areOver, longMs)
const ended = await jobs()
const isAlone = async () => (await cut.processes()).length === 1
await until('the host that was cut off to have nothing but its worker', isAlone, longMs)
await killed.worker.start()
const finals = async () => forge.received.filter(({ body }) => body.state !== 'pending').length
for (let before = -1; before !== (await finals()); await sleep(3000)) before = await finals()
const statuses = forge.received.map(({ body }) => ({
  context: String(body.context),
  state: String(body.state),
}))
const exitCodes = await Promise.all(hosts.map(({ worker }) => worker.stop()))
const left = await Promise.all(
  hosts.map(async ({ data, processes }) => ({
    processes: (await processes()).length,
    machines: await readdir(join(data, 'machines')).catch(() => []),
  })),
)
const seen: Seen = {
  hosts: { killed: killed.number, cut: cut.number, calm: calm.number },
  jobs: await Promise.all(
    ended.map(async (job): Promise<Ended> => {
      const events = await readEvents(jobFolderPath(archive, `${job.id}-${job.attempt}`))
      const verdicts = events.flatMap((event) => (event.type === 'verdict' ? [event.verdict] : []))
      return { id: job.id, state: job.state, attempt: job.attempt, verdicts, log: await logOf(job) }
    }),
  ),
  ...{ statuses, exitCodes, left },
}
await web.stop()
await git.close()
await forge.stop()
redis.kill()
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0))
