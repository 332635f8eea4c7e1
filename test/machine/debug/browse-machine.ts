import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'

const screenOf = async (page: Page) => (await page.locator('.xterm-rows > div').allTextContents()).join('\n')

/** Waits until a text is on the screen of a terminal, TCG's time included. */
async function shows(page: Page, text: string): Promise<void> {
  const isShown = async () => ((await screenOf(page)).includes(text) ? true : undefined)
  await eventually(`${JSON.stringify(text)} on the screen`, isShown).catch(async (error: Error) => {
    throw new Error(`${error.message}, got:\n${(await screenOf(page)).trim()}`)
  })
}

type BrowseMachine = {
  /** Of the server, which lets this computer do everything. */
  readonly url: string
  readonly job: string
  readonly secret: string
}

/** Types into a kept machine and on its serial console, as somebody in a browser does. */
export async function browseMachine({ url, job, secret }: BrowseMachine): Promise<void> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  onTestFinished(() => browser.close())
  const faults: string[] = []
  const visit = async (path: string) => {
    const page = await browser.newPage({ viewport: { width: 1100, height: 560 } })
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    await page.goto(`${url}${path}`)
    return page
  }

  const console = await visit(`/jobs/${job}/console`)
  // The boot itself has scrolled away.
  await shows(console, '[')
  const terminal = await visit(`/jobs/${job}`)
  await terminal.getByRole('link', { name: 'Open a terminal in the browser' }).click()
  await shows(terminal, 'the machine of job')
  await terminal.keyboard.type('cat work/evidence\nuname -r; echo shell-$((40 + 2))\n')
  await shows(terminal, 'it has come so far')
  await shows(terminal, 'shell-42')
  const shots = process.env.MAYFLY_SCREENSHOTS ?? join(tmpdir(), 'mayfly-screenshots')
  await mkdir(shots, { recursive: true })
  await terminal.screenshot({ path: join(shots, 'terminal.png') })

  // Nothing in this image reads the console by itself, and what comes while nobody has it open is lost:
  // so it speaks only once it listens.
  const listens = `exec <>/dev/ttyS0; stty echo; echo said-$((40 + 2)) ${secret} >&0; head -n 1 >/tmp/heard`
  await terminal.keyboard.type(`clear; sudo sh -c "${listens}" &\n`)
  await shows(console, 'said-42 ***')
  await console.getByRole('button', { name: 'Type on it' }).click()
  await eventually('typing to be let through', async () =>
    (await console.locator('#terminal').getAttribute('data-typing')) === 'yes' ? true : undefined,
  )
  await console.keyboard.type('typed in a browser\n')
  await shows(console, 'typed in a browser')
  await terminal.keyboard.type('clear; cat /tmp/heard | tr a-z A-Z\n')
  await shows(terminal, 'TYPED IN A BROWSER')
  await terminal.getByRole('button', { name: 'Close it' }).click()
  await console.getByRole('button', { name: 'Stop typing' }).click()
  await eventually('both to be ended', async () =>
    (await terminal.locator('#why').textContent()) === 'it was closed' &&
    (await console.locator('#why').textContent())?.includes('it was closed')
      ? true
      : undefined,
  )
  expect(faults).toEqual([])
}
