import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ServerType, serve } from '@hono/node-server'
import AxeBuilder from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { httpWorld } from '../http/http-world.ts'
import { aTimeline } from './a-timeline.ts'

const read = { scopes: ['read'] as const }
const reason = 'in step "test", the guest panicked'

/** The page of a job with this timeline. */
async function jobPage(timeline: string) {
  const world = await httpWorld()
  const ended = { state: 'errored', failure: 'guest-panic', reason, hint: 'read the console' } as const
  const { job, folder } = await world.addJob(ended)
  await writeFile(join(folder, 'timeline.jsonl'), timeline)
  return { ...world, path: `/jobs/${job.id}`, job }
}

async function html(timeline: string): Promise<string> {
  const { ask, path } = await jobPage(timeline)
  const answer = await ask(path, read)
  expect(answer.status).toBe(200)
  return await answer.text()
}

describe('the page of a job', () => {
  it('says at its top what happened, with the lines that show it and what to try', async () => {
    const page = await html(aTimeline())
    const why = /<div class="why">.*?<\/div>/s.exec(page)?.[0] ?? ''
    expect(why).toContain('guest-panic: ')
    expect(why).toContain('in step &quot;test&quot;, the guest panicked')
    expect(why).toContain('Kernel panic - not syncing: &lt;b&gt;x&lt;/b&gt;')
    expect(why).toContain('Next: read the console')
    expect(page.indexOf('class="why"')).toBeLessThan(page.indexOf('class="timeline"'))
  })

  it('says where its image came from, and when', async () => {
    const page = await html(aTimeline())
    expect(page).toContain(
      'image sha256:121212121212, pulled from https://images.invalid/&lt;disk&gt;.qcow2 on 2026-01-02',
    )
  })

  it('lists what the job reached, what it was refused, and the allow-list to paste where one is learned', async () => {
    const of = { bytesSent: 2048, bytesReceived: 5 * 2 ** 20, outsideAllowList: true }
    const records = [
      { ...of, host: 'deb.test', port: 443, requests: 3, refused: undefined },
      { ...of, host: '<b>x.test', port: 80, requests: 1, refused: 'in <i>10.0.0.0/8</i>' },
    ]
    const event = { type: 'egress', at: 60_000, records, learned: ['deb.test', 'git.test:9418'] }
    const page = await html(`${aTimeline()}${JSON.stringify(event)}\n`)
    const shown = /<details id="egress">.*?<\/details>/s.exec(page)?.[0] ?? ''
    expect(shown).toContain('Network: 2 hosts, 1 refused')
    expect(shown).toContain('<td>deb.test:443</td><td>3</td><td>2 KiB</td><td>5 MiB</td>')
    expect(shown).toContain('&lt;b&gt;x.test:80')
    expect(shown).toContain('refused: in &lt;i&gt;10.0.0.0/8&lt;/i&gt;')
    expect(shown).toContain('allow:\n  - &quot;deb.test&quot;\n  - &quot;git.test:9418&quot;')
    expect(await html(aTimeline())).not.toContain('id="egress"')
  })

  it('says how much a job without a proxy sent and received, and that nobody knows with whom', async () => {
    const page = await html(aTimeline().replace('"network":"web"', '"network":"internet"'))
    const shown = /<p id="egress">.*?<\/p>/s.exec(page)?.[0] ?? ''
    expect(shown).toMatch(/Network: \S+ KiB sent, \S+ MiB received\./)
    expect(shown).toContain('network internet has no proxy')
  })

  it('draws phases, steps that lead to their output, what the console said, and what was used', async () => {
    const page = await html(aTimeline())
    expect(page).toMatch(
      /<a href="\/jobs\/[^"]+\?offset=10#log" aria-label="Output of step build &lt;all&gt;, passed">/,
    )
    expect(page).toContain('class="step-errored"')
    expect(page).toContain('class="phase-boot"')
    expect(page).toContain('gate banner passed at 9.50 s')
    expect(page.match(/<path d="[^"]*" class="finding"/g)).toHaveLength(1)
    expect(page.match(/class="milestone"/g)).toHaveLength(1)
    for (const caption of ['CPU', 'Memory on the host', 'Disk', 'Network'])
      expect(page).toContain(`>${caption}</text>`)
    expect(page).toContain('most 1.50 of 2 cpus')
    expect(page).not.toContain('<b>x</b>')
    // No inline style: the page's policy would drop it.
    expect(page).not.toMatch(/ style="/)
  })

  it('has in words all that it draws: a table of the steps and a list of what the console said', async () => {
    const page = await html(aTimeline())
    const rows = /<tbody>.*<\/tbody>/s.exec(page)?.[0].split('</tr>') ?? []
    expect(rows[0]).toContain('build &lt;all&gt;')
    expect(rows[0]).toContain('<td>20.0 s</td>')
    expect(rows[0]).toMatch(/<td>2\d\.\d s<\/td>/)
    expect(rows[2]).toContain('pack')
    expect(page).toContain('The whole job')
    expect(page).toContain('58.0 s: the guest&#39;s kernel panicked <code>Kernel panic')
  })

  it('has no curves and no numbers of a job that was not sampled', async () => {
    const page = await html(aTimeline({ samples: 0 }))
    expect(page).toContain('class="step-errored"')
    expect(page).not.toContain('CPU')
    expect(page).not.toContain('The whole job')
  })

  it('stays small for a job of days, whose samples it thins', async () => {
    const short = await html(aTimeline({ samples: 200 }))
    const long = await html(aTimeline({ samples: 20_000 }))
    expect(long.length).toBeLessThan(short.length * 2)
    expect(long.match(/<path d="[^"]*"/g)?.every((path) => path.length < 8_000)).toBe(true)
  })

  it('shows a job whose verdict was written before there were lines that show it', async () => {
    const page = await html(aTimeline().replace(/,"evidence":\[[^\]]*\]/, ''))
    expect(page).toContain('in step &quot;test&quot;, the guest panicked')
    expect(page).not.toContain('Trigger a crash')
  })

  it('shows a job that was put back from its new beginning on', async () => {
    const page = await html(
      `${aTimeline()}${JSON.stringify({ type: 'phase-started', phase: 'image', at: 5 })}\n`,
    )
    expect(page).not.toContain('class="step-errored"')
    expect(page).not.toContain('Trigger a crash')
  })
})

describe('in a browser, the page of a job', () => {
  it.each([
    [360, 'light'],
    [1280, 'light'],
    [360, 'dark'],
    [1280, 'dark'],
  ] as const)('fits into %i pixels in %s, without a fault that axe can find', async (width, colorScheme) => {
    const page = await openPage({ width, colorScheme })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    const chart = await page.locator('.timeline > svg').boundingBox()
    expect(chart?.width).toBeGreaterThan(width * 0.8)
    expect(await axeFaults(page)).toEqual([])
    const shots = process.env.MAYFLY_SCREENSHOTS
    if (shots === undefined) return
    await mkdir(shots, { recursive: true })
    await page.screenshot({ path: join(shots, `timeline-${width}-${colorScheme}.png`), fullPage: true })
  })

  it('leads from a step in the picture to its output, by keyboard too', async () => {
    const page = await openPage({ width: 1280, colorScheme: 'light' })
    const link = page.getByRole('link', { name: 'Output of step test, errored' })
    await link.focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(/offset=400#log$/)
  })
})

/** The page in a Chromium of its own, as somebody who may read sees it. */
async function openPage(look: { width: number; colorScheme: 'light' | 'dark' }): Promise<Page> {
  const { app, tokens, path } = await jobPage(aTimeline())
  const { text } = await tokens.make({ name: 'browser', scopes: ['read'], expires: undefined })
  const { url, server } = await listen(app.fetch)
  const browser: Browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  })
  onTestFinished(async () => {
    await browser.close()
    server.close()
  })
  const page = await browser.newPage({
    viewport: { width: look.width, height: 900 },
    colorScheme: look.colorScheme,
    extraHTTPHeaders: { authorization: `Bearer ${text}` },
  })
  await page.goto(`${url}${path}`)
  return page
}

function listen(fetch: (request: Request) => Response | Promise<Response>) {
  return new Promise<{ url: string; server: ServerType }>((resolve) => {
    const server: ServerType = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({ url: `http://127.0.0.1:${port}`, server }),
    )
  })
}

async function axeFaults(page: Page): Promise<string[]> {
  await page.evaluate(AxeBuilder.source)
  return await page.evaluate(
    `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))`,
  )
}
