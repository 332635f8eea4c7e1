import { createHmac } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packageRoot } from '../../images/package-root.ts'
import { type GitServer, startGitServer } from '../orchestrator/git-server.ts'
import { type RealRedis, startRedis } from '../orchestrator/real-redis.ts'
import { type StandIn, startStandIn } from '../orchestrator/statuses/stand-in.ts'
import { type CuttableSocket, cuttableSocket } from './cuttable-socket.ts'
import { type ServerProcess, serverProcess } from './server-process.ts'

/** Lines that each job prints, and jobs of each delivery. */
export const linesOfJob = 60
export const jobsOfDelivery = 2

const repository = 'octo/counts'

const pipeline = `
resources: { cpus: 1, memory: 512MiB }
network: none
matrix: { part: [one, two] }
timeout: 10m
retry: { max: 5 }
steps:
  - name: counts
    run: |
      i=0
      while [ $i -lt ${linesOfJob / 2} ]; do i=$((i + 1)); echo "line $i"; sleep 0.1; done
  - name: counts on
    run: |
      i=${linesOfJob / 2}
      while [ $i -lt ${linesOfJob} ]; do i=$((i + 1)); echo "line $i"; sleep 0.1; done
`

export type Installation = {
  readonly folder: string
  readonly data: string
  readonly web: ServerProcess
  readonly workers: readonly ServerProcess[]
  readonly redis: RealRedis
  readonly redisNetwork: CuttableSocket
  readonly forge: StandIn
  /** Pushes a commit and tells the server of it, until it has accepted that; gives the commit. */
  deliver(number: number): Promise<string>
  /** An answer of the API, asked until there is one. */
  get(path: string): Promise<Record<string, unknown>>
  close(): Promise<void>
}

/** A web process, two workers, their Redis, a git server and a forge, each a process or a server of its own. */
export async function install(sharedData: string): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-faults-'))
  const data = join(folder, 'data')
  await mkdir(data)
  for (const name of ['images', 'templates']) await symlink(join(sharedData, name), join(data, name))
  const redis = await startRedis()
  const front = join(folder, 'redis.sock')
  const redisNetwork = await cuttableSocket(front, redis.socket)
  const git: GitServer = await startGitServer()
  const forge = await startStandIn()
  const port = await freePort()
  const config = join(folder, 'mayfly.yml')
  await writeFile(
    config,
    `listen: 127.0.0.1:${port}\nsecrets_key: ${join(folder, 'secrets.key')}\nredis: unix://${front}\n`,
  )
  const main = join(packageRoot(), 'dist', 'orchestrator', 'command', 'main.js')
  const server = (name: string, role: string) =>
    serverProcess({
      name,
      args: [main, 'serve', '--role', role, '--config', config],
      env: { ...process.env, MAYFLY_DATA: data, MAYFLY_LOG_LEVEL: 'info', NO_COLOR: '1' },
      logFile: join(folder, `${name}.log`),
    })
  const web = server('web', 'web')
  const workers = [server('worker-1', 'worker'), server('worker-2', 'worker')]
  await web.start()
  await Promise.all(workers.map((worker) => worker.start()))
  const url = `http://127.0.0.1:${port}`
  const { cloneUrl } = await git.createRepository(repository, { '.mayfly.yml': pipeline })
  const registered = await fetch(`${url}/api/v1/repositories`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ forge: 'github', name: repository, cloneUrl, apiUrl: forge.url },
      secrets: { webhook: webhookSecret, token: 'status-token' },
    }),
  })
  if (registered.status !== 201) throw new Error(`expected a repository, got ${await registered.text()}`)
  return {
    ...{ folder, data, web, workers, redis, redisNetwork, forge },
    deliver: async (number) => {
      const sha = await git.commit(repository, { 'number.txt': `${number}\n` })
      await insist(`delivery ${number}`, async () => {
        const { status } = await post(`${url}/webhooks/github`, push(sha, cloneUrl, number))
        // What was accepted with an answer that got lost is a duplicate the second time.
        return status === 202 || status === 200 ? true : undefined
      })
      return sha
    },
    get: (path) =>
      insist(path, async () => {
        const response = await fetch(`${url}/api/v1${path}`, { signal: AbortSignal.timeout(20_000) })
        return response.ok ? ((await response.json()) as Record<string, unknown>) : undefined
      }),
    close: async () => {
      await Promise.all([web, ...workers].map((one) => one.kill()))
      await redisNetwork.close()
      await redis.stop()
      await git.close()
      await forge.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const webhookSecret = 'webhook-secret'
const insistMs = 300_000

/** Asks again while the server is away, as a forge or a browser would. */
async function insist<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + insistMs
  for (;;) {
    const answer = await ask().catch(() => undefined)
    if (answer !== undefined) return answer
    if (Date.now() > end) throw new Error(`expected an answer within ${insistMs / 1000} s: ${what}`)
    await sleep(250)
  }
}

type Posted = { body: string; headers: Record<string, string> }

function post(url: string, { body, headers }: Posted): Promise<Response> {
  return fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(20_000) })
}

function push(sha: string, cloneUrl: string, number: number): Posted {
  const body = JSON.stringify({
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: sha,
    ...{ created: false, deleted: false, forced: false },
    repository: {
      ...{ full_name: repository, name: 'counts', default_branch: 'main', clone_url: cloneUrl, fork: false },
    },
    pusher: { name: 'octo', email: 'octo@example.org' },
    sender: { login: 'octo' },
    head_commit: {
      ...{ id: sha, message: `Change ${number}`, author: { name: 'Octo', email: 'octo@example.org' } },
    },
    commits: [],
  })
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': `72d3162e-cc78-11e3-81ab-${String(number).padStart(12, '0')}`,
      'x-hub-signature-256': `sha256=${createHmac('sha256', webhookSecret).update(body).digest('hex')}`,
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
