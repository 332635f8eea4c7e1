import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { packageRoot } from '../../../images/package-root.ts'
import { fetchingPipeline, startPublicServer } from './public-server.ts'

/**
 * Runs two jobs with `network: internet` on the host of a `world`: one that ends, and one whose QEMU is killed after it
 * has fetched five times. Prints what was said and recorded of each as JSON. Arguments: DATA-FOLDER, WORK-FOLDER.
 */
const [dataFolder = '', work = ''] = process.argv.slice(2)
const main = join(packageRoot(), 'dist', 'orchestrator', 'command', 'main.js')
const server = await startPublicServer()
// What is uploaded goes to the machine, and not to the internet.
await writeFile(join(work, 'blob'), randomBytes(3_000_000))

async function run(times: number, meanwhile: (printed: () => string) => Promise<void>) {
  await writeFile(join(work, '.mayfly.yml'), fetchingPipeline(times))
  const before = server.served()
  const mayfly = execa(process.execPath, [main, 'run'], {
    ...{ cwd: work, env: { MAYFLY_DATA: dataFolder, NO_COLOR: '1' }, all: true, reject: false },
  })
  let printed = ''
  mayfly.all?.on('data', (chunk) => {
    printed += String(chunk)
  })
  await Promise.race([mayfly, meanwhile(() => printed)])
  const { all, exitCode } = await mayfly
  const id = (await readdir(join(dataFolder, 'jobs'))).sort().at(-1) ?? ''
  const record = JSON.parse(await readFile(join(dataFolder, 'jobs', id, 'record.json'), 'utf8'))
  return { exitCode, tail: all.slice(-1500), record, served: server.served() - before }
}

/** QEMU of this data folder. */
async function qemuPid(): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
    if (/^[^\0]*qemu-system/.test(line) && line.includes(dataFolder)) return Number(pid)
  }
  throw new Error('expected a QEMU')
}

const ended = await run(6, async () => undefined)
const killed = await run(1_000, async (printed) => {
  while (!printed().includes('fetched 5 ')) await new Promise((resolve) => setTimeout(resolve, 100))
  process.kill(await qemuPid(), 'SIGKILL')
})
await server.stop()
process.stdout.write(`${JSON.stringify({ ended, killed })}\n`, () => process.exit(0))
