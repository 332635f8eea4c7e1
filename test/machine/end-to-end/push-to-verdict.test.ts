import { createHmac } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import AxeBuilder from 'axe-core'
import { chromium, type Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { startGitServer } from '../../orchestrator/git-server.ts'
import { startStandIn } from '../../orchestrator/statuses/stand-in.ts'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { type Served, startServed } from './served.ts'

const pipeline = `
resources: { cpus: 2, memory: 512MiB }
network: none
secrets: [TOKEN]
steps:
  - name: greet
    run: |
      echo "hello from $MAYFLY_SHA"
      echo "the token is $TOKEN"
      git log --oneline | head -1
  - name: colours
    run: printf '\\033[32mgreen\\033[0m <b>not bold</b>\\n'
`

describe('from a push to a verdict', () => {
  it('a signed webhook becomes a build in a machine, a followed log, statuses in order, a page and a green badge', async () => {
    const git = await startGitServer()
    onTestFinished(() => git.close())
    const forge = await startStandIn()
    onTestFinished(() => forge.stop())
    const { cloneUrl, sha } = await git.createRepository('octo/hello', {
      '.mayfly.yml': pipeline,
      'README.md': '# hi\n',
    })
    const bench = await createBench()
    const served = await startServed(bench)

    const registered = await served.api('POST', '/repositories', {
      ...{ forge: 'github', name: 'octo/hello', cloneUrl, apiUrl: forge.url },
      secrets: { webhook: 'webhook-secret', token: 'status-token' },
    })
    expect(registered.status).toBe(201)
    expect(
      (await served.api('PUT', '/secrets/github%3Aocto%2Fhello/TOKEN', { value: 'a-very-secret-value' }))
        .status,
    ).toBe(200)

    const body = JSON.stringify(pushOf(sha, cloneUrl))
    expect((await deliver(served, body, 'sha256=00')).status).toBe(401)
    expect((await deliver(served, body, signature(body))).status).toBe(202)
    expect(await (await deliver(served, body, signature(body))).json()).toMatchObject({
      verdict: 'duplicate',
    })

    const job = await eventually('a build with a job', async () => {
      const { body: page } = await served.api('GET', '/builds?repository=github%3Aocto%2Fhello')
      const [build] = page.items as { id: string }[]
      if (build === undefined) return undefined
      const { body: whole } = await served.api('GET', `/builds/${build.id}`)
      return (whole.jobs as { id: string; build: string }[])[0]
    })
    const followed = await follow(served, job.id)
    // The job's log ends with the job; its build follows a moment later.
    const ended = await eventually('the end of the build', async () => {
      const { body: build } = await served.api('GET', `/builds/${job.build}`)
      return build.state === 'running' ? undefined : build
    })
    expect(ended).toMatchObject({ state: 'passed', sha })

    const log = await served.text(`/api/v1/jobs/${job.id}/log`)
    expect(followed).toBe(log)
    expect(log).toContain(`hello from ${sha}\n`)
    expect(log).toContain('the token is ***\n')
    expect(log).not.toContain('a-very-secret-value')
    expect(await served.text(`/api/v1/jobs/${job.id}/log?tail=1`)).toContain('green')
    const found = await served.api('GET', `/jobs/${job.id}/log/search?text=hello+from`)
    expect(found.body.matches).toHaveLength(1)
    expect(await served.text(`/api/v1/jobs/${job.id}/console`)).toContain('Linux version')

    await eventually('every status to be success', async () =>
      forge.received.length > 1 && lastStates(forge.received).every((state) => state === 'success')
        ? true
        : undefined,
    )
    for (const { path, headers } of forge.received) {
      expect(path).toBe(`/repos/octo/hello/statuses/${sha}`)
      expect(headers.authorization).toMatch(/status-token$/)
    }
    const contexts = new Set(forge.received.map(({ body: status }) => String(status.context)))
    for (const context of contexts) {
      const states = forge.received
        .filter(({ body: status }) => status.context === context)
        .map(({ body: status }) => status.state)
      expect(states[0]).toBe('pending')
      expect(states.at(-1)).toBe('success')
    }
    expect(String(forge.received[0]?.body.target_url)).toContain(served.url)
    expect(await served.text('/badges/github/octo/hello.svg?branch=main')).toContain('passed')

    await lookAtPages(served, job)
    expect(await served.stop()).toBe(0)
    await expectNothingLeft(bench)
  })
})

function deliver({ url }: Served, body: string, signed: string): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    'x-hub-signature-256': signed,
  }
  return fetch(`${url}/webhooks/github`, { method: 'POST', body, headers })
}

function signature(body: string): string {
  return `sha256=${createHmac('sha256', 'webhook-secret').update(body).digest('hex')}`
}

function pushOf(sha: string, cloneUrl: string): object {
  return {
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: sha,
    created: true,
    deleted: false,
    forced: false,
    repository: {
      full_name: 'octo/hello',
      name: 'hello',
      default_branch: 'main',
      clone_url: cloneUrl,
      fork: false,
    },
    pusher: { name: 'octo', email: 'octo@example.org' },
    sender: { login: 'octo' },
    head_commit: { id: sha, message: 'Say hello', author: { name: 'Octo', email: 'octo@example.org' } },
    commits: [],
  }
}

/** The text of every `log` event until the one that ends the stream. */
async function follow({ url }: Served, job: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/jobs/${job}/log/follow`)
  const stream = await response.text()
  return stream
    .split('\n\n')
    .filter((event) => event.startsWith('event: log') || event.includes('\nevent: log'))
    .map((event) => JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '{}').text)
    .join('')
}

function lastStates(received: readonly { body: Record<string, unknown> }[]): unknown[] {
  return [...new Map(received.map(({ body }) => [body.context, body.state])).values()]
}

async function lookAtPages(served: Served, job: { id: string; build: string }): Promise<void> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  onTestFinished(() => browser.close())
  const shots = process.env.MAYFLY_SCREENSHOTS ?? join(tmpdir(), 'mayfly-screenshots')
  await mkdir(shots, { recursive: true })
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } })
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  const visit = async (path: string, name: string) => {
    await page.goto(`${served.url}${path}`)
    await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true })
    expect(await seriousFaults(page), `axe on ${path}`).toEqual([])
  }
  await visit('/', 'builds')
  expect(await page.textContent('main')).toContain('passed')
  await visit(`/builds/${job.build}`, 'build')
  await visit(`/jobs/${job.id}`, 'job')
  // What a step prints is text, never markup; colours are classes.
  expect(await page.textContent('#lines')).toContain('green <b>not bold</b>')
  expect(await page.locator('#lines .ansi-green-fg').count()).toBe(1)
  expect(await page.locator('#lines b').count()).toBe(0)
  await visit('/queue', 'queue')
  await visit('/deliveries', 'deliveries')
  await visit('/images', 'images')
  expect(faults).toEqual([])
}

async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(AxeBuilder.source)
  return await page.evaluate(async () => {
    const axe = (
      globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
      }
    ).axe
    const { violations } = await axe.run()
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
  })
}
