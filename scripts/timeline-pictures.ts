import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { type Browser, chromium } from 'playwright-core'
import { dataFolder } from '../config/data-folder.ts'

// `npm run build && npx tsx scripts/timeline-pictures.ts` runs the jobs of docs/pictures/timeline.yml on a server of its
// own and takes the pictures of docs/why-it-failed.md. Image and templates are those of MAYFLY_DATA or the usual folder.
const root = join(import.meta.dirname, '..')
const pictures = join(root, 'docs', 'pictures')
const command = join(root, 'dist', 'orchestrator', 'command', 'main.js')
const jobs = ['panic', 'out-of-memory', 'hang']

type Ran = { readonly id: string; readonly state: string; readonly ended?: string; readonly reason?: string }

const folder = await mkdtemp(join(tmpdir(), 'mayfly-pictures-'))
try {
  await withServer(folder, async (url) => {
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
    try {
      for (const job of jobs) {
        const ran = await runToItsEnd(url, job)
        console.log(`${job}: ${ran.state}, ${ran.reason}`)
        await takePicture({ browser, page: `${url}/jobs/${ran.id}`, file: `timeline-${job}.png` })
      }
    } finally {
      await browser.close()
    }
  })
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function withServer(place: string, work: (url: string) => Promise<void>): Promise<void> {
  const data = join(place, 'data')
  await mkdir(data)
  const shared = dataFolder({ env: process.env, host: { data: undefined } })
  for (const name of ['images', 'templates']) await symlink(join(shared, name), join(data, name))
  const config = join(place, 'mayfly.yml')
  await writeFile(config, `listen: 127.0.0.1:0\nsecrets_key: ${join(place, 'secrets.key')}\n`)
  const server = execa(process.execPath, [command, 'serve', '--config', config], {
    env: { MAYFLY_DATA: data, MAYFLY_LOG_LEVEL: 'warn' },
    ...{ stdin: 'ignore', stderr: 'inherit', reject: false, buffer: false },
  })
  try {
    const ready = new Promise<string>((resolve, reject) => {
      server.stdout.on('data', (chunk: Buffer) => {
        const url = /mayfly is ready: (http\S+)/.exec(chunk.toString())?.[1]
        if (url !== undefined) resolve(url)
      })
      server.then(() => reject(new Error('expected a server, it ended')), reject)
    })
    await work(await ready)
  } finally {
    server.kill('SIGTERM')
    await server
  }
}

async function runToItsEnd(url: string, job: string): Promise<Ran> {
  const file = join(pictures, 'timeline.yml')
  const args = ['submit', file, '--no-dir', '--job', job, '--server', url, '--json']
  const { stdout } = await execa(process.execPath, [command, ...args])
  const { jobs: planned } = JSON.parse(stdout) as { jobs: Ran[] }
  for (;;) {
    const answer = await fetch(`${url}/api/v1/jobs/${planned[0]?.id}`)
    const ran = (await answer.json()) as Ran
    if (ran.ended !== undefined) return ran
    await sleep(500)
  }
}

/** What of the page is above the log. */
async function takePicture({ browser, page: url, file }: { browser: Browser; page: string; file: string }) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  await page.goto(url)
  const log = await page.getByRole('heading', { name: 'Log', exact: true }).boundingBox()
  const clip = { x: 0, y: 0, width: 1280, height: Math.floor(log?.y ?? 900) }
  await page.screenshot({ path: join(pictures, file), fullPage: true, clip })
  await page.close()
}
