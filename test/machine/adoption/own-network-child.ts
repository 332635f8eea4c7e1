import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { packageRoot } from '../../../images/package-root.ts'
import { eventually } from '../../eventually.ts'
import { fetchingPipeline, startPublicServer } from '../isolation/public-server.ts'

/**
 * On the host of a `world`: a server that is killed twice while a job with `network: internet` fetches. Prints what was
 * seen as JSON, the parts of `Seen`. Arguments: DATA-FOLDER, WORK-FOLDER.
 */
const [dataFolder = '', work = ''] = process.argv.slice(2)
const main = join(packageRoot(), 'dist', 'orchestrator', 'command', 'main.js')
const internet = await startPublicServer()

async function serve() {
  const config = join(work, '..', 'mayfly.yml')
  await writeFile(config, `listen: 127.0.0.1:0\nsecrets_key: ${join(work, '..', 'secrets.key')}\n`)
  const child = execa(process.execPath, [main, 'serve', '--config', config], {
    env: { MAYFLY_DATA: dataFolder, MAYFLY_LOG_LEVEL: 'warn' },
    ...{ stdin: 'ignore', stderr: 'inherit', reject: false, buffer: false, forceKillAfterDelay: 120_000 },
  })
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += String(chunk)
  })
  const url = await eventually('a server', async () => /mayfly is ready: (http\S+)/.exec(output)?.[1])
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    child.kill(signal)
    return (await child).exitCode
  }
  const text = async (path: string) => await (await fetch(`${url}${path}`)).text()
  return { url, end, text }
}

/** The pids of this data folder's QEMU, and of what serves its network. */
async function processes() {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(
    pids.map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')] as const),
  )
  const qemus = lines.filter(([, line]) => /^[^\0]*qemu-system/.test(line) && line.includes(dataFolder))
  const slirps = lines.filter(
    ([, line]) => line.startsWith('slirp4netns') && qemus.some(([pid]) => line.includes(`\0${pid}\0way-`)),
  )
  return [...qemus, ...slirps].map(([pid]) => Number(pid)).sort()
}

const alive = (pids: readonly number[]) =>
  pids.filter((pid) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  })

await writeFile(join(work, 'blob'), randomBytes(3_000_000))
await writeFile(join(work, '.mayfly.yml'), fetchingPipeline(60))
let server = await serve()
const args = ['submit', work, '--json', '--server', server.url]
const { stdout } = await execa(process.execPath, [main, ...args], { cwd: work })
const id = /"id":\s*"([^"]+)"/.exec(stdout.slice(stdout.indexOf('"jobs"')))?.[1] ?? ''
const rounds: { before: number[]; meanwhile: number[] }[] = []
for (const count of [4, 20]) {
  await eventually(`fetch ${count}`, async () =>
    (await server.text(`/api/v1/jobs/${id}/log`)).includes(`fetched ${count} `) ? true : undefined,
  )
  const before = await processes()
  const served = internet.served()
  await server.end('SIGKILL')
  await eventually('fetches without a server', async () =>
    internet.served() >= served + 6 ? true : undefined,
  )
  rounds.push({ before, meanwhile: await processes() })
  server = await serve()
}
const job = await eventually('the verdict', async () => {
  const now = JSON.parse(await server.text(`/api/v1/jobs/${id}`))
  return now.ended === undefined ? undefined : now
})
const log = await server.text(`/api/v1/jobs/${id}/log`)
const page = await server.text(`/jobs/${id}`)
const record = await eventually('the record', async () => {
  const [attempt = ''] = await readdir(join(dataFolder, 'jobs'))
  const file = join(dataFolder, 'jobs', attempt, 'record.json')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
})
await eventually('the end of its processes', async () =>
  alive(rounds.flatMap(({ before }) => before)).length === 0 ? true : undefined,
)
const exitCode = await server.end('SIGTERM')
await sleep(500)
const left = { processes: await processes(), machines: await readdir(join(dataFolder, 'machines')) }
const seen = { rounds, job, log, page, record, exitCode, left, served: internet.served() }
await internet.stop()
process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0))
