import { type Browser, chromium, type Page } from 'playwright-core'
import type { BenchPlace } from './bench-place.ts'
import { startChild } from './child.ts'
import { type Figure, figure } from './figure.ts'
import type { LogServerOrder, LogServerResult, LogServerRunning } from './log-server-child.ts'

const logBytes = 100e6
const waitMs = 30_000
/** The window that log.js keeps, and one fetch. */
const mostLines = 3_500

/**
 * A job's page with a log of 100 MB in a headless Chromium, from the navigation to lines on the screen; from the click
 * on "Last line" to that line; and from scrolling to the end of what is loaded to the next lines. Each run has a
 * browser context of its own, with an empty cache.
 */
export async function logPage(_place: BenchPlace, runs: number): Promise<Figure[]> {
  const order: LogServerOrder = { bytes: logBytes, silentMs: 0 }
  const server = startChild('log-server-child.ts', order)
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  try {
    server.tell('run')
    const { url, job } = await server.next<LogServerRunning>()
    await server.next<LogServerResult>()
    const visits: Visit[] = []
    await visit(browser, `${url}/jobs/${job}`)
    for (let run = 0; run < runs; run++) visits.push(await visit(browser, `${url}/jobs/${job}`))
    const rows: [string, keyof Visit][] = [
      ['first screen', 'first'],
      ['jump to its last line', 'last'],
      ['scrolled beyond what was loaded', 'scrolled'],
    ]
    return rows.map(([name, key]) =>
      figure({
        what: `page of a 100 MB log, ${name}`,
        unit: 's',
        target: { atMost: 1 },
        samples: visits.map((one) => one[key]),
      }),
    )
  } finally {
    await browser.close()
    await server.end()
  }
}

/** seconds */
type Visit = { readonly first: number; readonly last: number; readonly scrolled: number }

async function visit(browser: Browser, url: string): Promise<Visit> {
  // What waits in the page is a script of Playwright's, which the page's own policy would refuse.
  const context = await browser.newContext({ bypassCSP: true })
  try {
    const page = await context.newPage()
    const first = await seconds(async () => {
      await page.goto(url, { waitUntil: 'commit' })
      await onScreen(page, '#lines li')
    })
    const scrolled = await seconds(() => scrollOn(page))
    const link = page.getByRole('link', { name: 'Last line' })
    const lastLine = new URL((await link.getAttribute('href')) ?? '', url).hash
    const last = await seconds(async () => {
      await link.click()
      await onScreen(page, lastLine)
    })
    const lines = await page.locator('#lines li').count()
    if (lines > mostLines) throw new Error(`expected at most ${mostLines} lines in the page, got ${lines}`)
    return { first, last, scrolled }
  } finally {
    await context.close()
  }
}

/** A frame with it has been painted, within the window. */
async function onScreen(page: Page, selector: string): Promise<void> {
  await untilTrue(
    page,
    `(() => {
      const box = document.querySelector('${selector}')?.getBoundingClientRect()
      return box !== undefined && box.height > 0 && box.bottom > 0 && box.top < innerHeight
    })()`,
  )
}

async function scrollOn(page: Page): Promise<void> {
  const before = await page.locator('#lines li').count()
  await page.evaluate(`document.querySelector('#log').scrollTo(0, 1e9)`)
  await untilTrue(page, `document.querySelectorAll('#lines li').length > ${before}`)
}

async function untilTrue(page: Page, expression: string): Promise<void> {
  await page.waitForFunction(expression, undefined, { polling: 'raf', timeout: waitMs })
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}
