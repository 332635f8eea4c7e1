import { appendFile, mkdir } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { jobFolderPath } from '../../../runner/job/filenames.ts'
import { type RealSshd, startSshd } from '../gateway/an-sshd.ts'
import { type ATerminalServer, startATerminalServer } from '../terminal/a-terminal-server.ts'
import { until } from '../until.ts'

let sshd: RealSshd
let browser: Browser
let here: ATerminalServer

beforeAll(async () => {
  sshd = await startSshd()
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
}, 60_000)
afterAll(async () => {
  await browser.close()
  await sshd.stop()
})
afterEach(async () => {
  await here.stop()
  expect(complaints.splice(0)).toEqual([])
})

type Look = {
  scopes?: readonly ('read' | 'debug')[]
  width?: number
  scheme?: 'light' | 'dark'
  /** @defaultValue the server itself */
  url?: string
}

/** A page of somebody who has logged in; what the browser complains about fails the test. */
async function visit(path: string, look: Look = {}): Promise<Page> {
  const { scopes = ['read', 'debug'], width = 1280, scheme = 'light', url = here.url } = look
  const context: BrowserContext = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: scheme,
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  onTestFinished(() => context.close())
  const value = await here.token(`ada-${scopes.join('-')}-${Math.random()}`, scopes)
  await context.addCookies([{ name: 'mayfly_session', value, url, httpOnly: true, sameSite: 'Strict' }])
  const page = await context.newPage()
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(`${url}${path}`)
  return page
}

const complaints: string[] = []
const screen = async (page: Page) => (await page.locator('.xterm-rows > div').allTextContents()).join('\n')
const shows = (page: Page, text: string) =>
  until(`${text} on the screen`, async () => (await screen(page)).includes(text))
const isIn = (page: Page, state: string) =>
  until(
    `the state ${state}`,
    async () => (await page.locator('#terminal').getAttribute('data-state')) === state,
  )
const terminalPath = () => `/jobs/${here.job.id}/terminal`

/** A way to the server that can be cut, as a train does that goes into a tunnel. */
async function aTunnel(): Promise<{ url: string; cut(): void }> {
  const open = new Set<Socket>()
  const target = new URL(here.url)
  const server = createServer((socket) => {
    const other = connect(Number(target.port), target.hostname)
    for (const one of [socket, other]) {
      open.add(one)
      one.on('error', () => undefined)
      one.once('close', () => {
        open.delete(one)
        socket.destroy()
        other.destroy()
      })
    }
    socket.pipe(other).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  return { url: `http://127.0.0.1:${port}`, cut }
}

describe('the terminal’s page', () => {
  it('is a shell that is typed in, with the time that is left, and says how it ended', async () => {
    here = await startATerminalServer(sshd)
    const page = await visit(`/jobs/${here.job.id}`)
    await page.getByRole('link', { name: 'Open a terminal in the browser' }).click()
    await isIn(page, 'open')
    await shows(page, 'step "test" failed')
    await page.keyboard.type('echo typed-$((40 + 2))\n')
    await shows(page, 'typed-42')
    expect(await page.locator('#left').textContent()).toMatch(/^9 min \d\d s left$/)
    await page.keyboard.type(
      'printf "\\033[1;32mgr\\303\\274n\\033[38;2;200;100;50mrot\\033[0m\\n"; exit 3\n',
    )
    await isIn(page, 'ended')
    expect(await page.locator('#why').textContent()).toBe('it ended with exit code 3')
    expect(await screen(page)).toContain('grünrot')
    await page.getByRole('button', { name: 'Open a new one' }).click()
    await isIn(page, 'open')
    await page.keyboard.type('echo again-$((1 + 1))\n')
    await shows(page, 'again-2')
    await page.getByRole('button', { name: 'Close it' }).click()
    await isIn(page, 'ended')
    expect(await page.locator('#why').textContent()).toBe('it was closed')
  })

  it('follows the window, down to that of a phone, without going beyond its width', async () => {
    here = await startATerminalServer(sshd)
    const page = await visit(terminalPath())
    await isIn(page, 'open')
    const size = async (mark: string) => {
      await page.keyboard.type(`clear; echo "${mark}: $(stty size)"\n`)
      await until('the size', async () => new RegExp(`${mark}: \\d+ \\d+`).test(await screen(page)))
      const [, rows, cols] = new RegExp(`${mark}: (\\d+) (\\d+)`).exec(await screen(page)) ?? []
      return { rows: Number(rows), cols: Number(cols) }
    }
    const wide = await size('wide')
    expect(wide.cols).toBeGreaterThan(100)
    await page.setViewportSize({ width: 360, height: 640 })
    await until('it is narrow', async () => (await size('phone')).cols < 50)
    expect((await size('last')).rows).toBeGreaterThan(8)
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
    expect(overflow).toBeLessThanOrEqual(0)
  })

  it('comes back to the same shell after a broken connection, and after a reload', async () => {
    here = await startATerminalServer(sshd)
    const tunnel = await aTunnel()
    const page = await visit(terminalPath(), { url: tunnel.url })
    await isIn(page, 'open')
    await page.keyboard.type('mark=kept-$((1 + 1)); echo "pid $$"; (sleep 1; echo "said-$((2 + 2))") &\n')
    await until('its pid', async () => /pid \d+/.test(await screen(page)))
    const pid = /pid (\d+)/.exec(await screen(page))?.[1] ?? ''
    tunnel.cut()
    await isIn(page, 'away')
    await isIn(page, 'open')
    await shows(page, 'said-4')
    await page.keyboard.type('clear; echo "$mark in $$"\n')
    await shows(page, `kept-2 in ${pid}`)
    await page.reload()
    await isIn(page, 'open')
    await shows(page, `kept-2 in ${pid}`)
    await page.keyboard.type('clear; echo "still $mark"\n')
    await shows(page, 'still kept-2')
    expect(here.gateway.audit.filter(({ what }) => what === 'login')).toHaveLength(1)
  })

  it('copies what is marked, by its button and by keys, and pastes', async () => {
    here = await startATerminalServer(sshd)
    const page = await visit(terminalPath())
    await isIn(page, 'open')
    await page.keyboard.type('clear; echo copy-$((1 + 1))-this\n')
    await shows(page, 'copy-2-this')
    const row = page.locator('.xterm-rows > div', { hasText: 'copy-2-this' }).first()
    const box = await row.boundingBox()
    if (box === null) throw new Error('expected the row on the screen')
    await page.mouse.dblclick(box.x + 20, box.y + box.height / 2)
    await page.getByRole('button', { name: 'Copy' }).click()
    const clipboard = () => page.evaluate('navigator.clipboard.readText()')
    await until('it is copied', async () => (await clipboard()) === 'copy-2-this')
    await page.evaluate('navigator.clipboard.writeText("")')
    await page.mouse.dblclick(box.x + 20, box.y + box.height / 2)
    await page.keyboard.press('Control+Shift+C')
    await until('it is copied', async () => (await clipboard()) === 'copy-2-this')
    await page.evaluate('navigator.clipboard.writeText("echo pasted-$((3 + 3))")')
    await page.getByRole('button', { name: 'Paste' }).click()
    await shows(page, 'echo pasted')
    await page.keyboard.press('Enter')
    await shows(page, 'pasted-6')
    await page.keyboard.press('Control+Shift+X')
    expect(await page.evaluate('document.activeElement.id')).toBe('leave')
  })

  it('shows a flood to its end, and is answered by a program that asks the terminal once, not again on a reload', async () => {
    here = await startATerminalServer(sshd)
    const page = await visit(terminalPath())
    await isIn(page, 'open')
    await page.keyboard.type('seq 1 300000; echo flood-$((1 + 1))\n')
    await until('its end', async () => (await screen(page)).includes('flood-2'), 25_000)
    await page.keyboard.type(
      'clear; printf \'\\033[6n\'; read -rs -d R answer; echo "got $(printf %s "$answer" | wc -c)"\n',
    )
    await until('an answer', async () => /got [5-9]/.test(await screen(page)))
    await page.reload()
    await isIn(page, 'open')
    await shows(page, 'got')
    await page.keyboard.type('echo clean-$((1 + 1))\n')
    await until('the line as it was typed', async () => /^clean-2\s*$/m.test(await screen(page)))
    expect(await screen(page)).not.toContain('command not found')
  })

  it('gives what the machine says no link and no clipboard', async () => {
    here = await startATerminalServer(sshd)
    const page = await visit(terminalPath())
    await isIn(page, 'open')
    const asked: string[] = []
    page.on('dialog', (dialog) => {
      asked.push(dialog.message())
      void dialog.dismiss()
    })
    await page.evaluate('navigator.clipboard.writeText("mine")')
    const link = '\\033]8;;http://127.0.0.1:1/\\033\\\\a-link\\033]8;;\\033\\\\'
    await page.keyboard.type(`clear; printf '${link} \\033]52;c;ZXZpbA==\\007 over-%s\\n' 1\n`)
    await shows(page, 'over-1')
    const row = page.locator('.xterm-rows > div', { hasText: 'over-1' }).first()
    const box = await row.boundingBox()
    if (box === null) throw new Error('expected the row on the screen')
    await page.mouse.move(box.x + 10, box.y + box.height / 2)
    await page.mouse.click(box.x + 20, box.y + box.height / 2)
    await page.keyboard.type('echo on-$((1 + 1))\n')
    await shows(page, 'on-2')
    expect(asked).toEqual([])
    expect(page.context().pages()).toHaveLength(1)
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe('mine')
  })

  it('is for the scope `debug` and for a machine that is kept', async () => {
    here = await startATerminalServer(sshd)
    const reader = await visit(`/jobs/${here.job.id}`, { scopes: ['read'] })
    expect(await reader.getByText('Open a terminal').count()).toBe(0)
    expect((await reader.goto(`${here.url}${terminalPath()}`))?.status()).toBe(403)
    const hold = { state: 'ended', host: 'h', ended: '2026-01-01T00:00:00.000Z', why: 'enough' } as const
    await here.world.parts.store.jobs.change(here.job.id, ['failed'], { hold })
    const page = await visit('/')
    expect((await page.goto(`${here.url}${terminalPath()}`))?.status()).toBe(409)
  })

  it('lets styles of scripts through on its own and on the console’s page, and scripts of others nowhere', async () => {
    here = await startATerminalServer(sshd)
    const cookie = `mayfly_session=${await here.token('ada', ['read', 'debug'])}`
    const policy = async (path: string) => {
      const { headers } = await fetch(`${here.url}${path}`, { headers: { cookie } })
      return headers.get('content-security-policy') ?? ''
    }
    for (const path of [terminalPath(), `/jobs/${here.job.id}/console`]) {
      expect(await policy(path)).toContain("script-src 'self'; style-src 'self' 'unsafe-inline';")
    }
    for (const path of ['/', `/jobs/${here.job.id}`]) expect(await policy(path)).not.toContain('unsafe')
  })
})

describe('the console’s page', () => {
  const consoleFile = async () => {
    const folder = jobFolderPath(here.world.archiveFolder, `${here.job.id}-${here.job.attempt}`)
    await mkdir(folder, { recursive: true })
    return join(folder, 'console')
  }

  it('shows what was said and what is said, to whoever may read, who cannot type', async () => {
    here = await startATerminalServer(sshd)
    const file = await consoleFile()
    await appendFile(file, 'Linux version 6.1\r\n\u001b[32mok\u001b[0m\r\n')
    const page = await visit(`/jobs/${here.job.id}/console`, { scopes: ['read'] })
    await shows(page, 'Linux version 6.1')
    await appendFile(file, 'vm login: ')
    await shows(page, 'vm login:')
    expect(await page.getByRole('button', { name: 'Type on it' }).count()).toBe(0)
    await page.locator('.xterm').click()
    await page.keyboard.type('root\n')
    expect(await screen(page)).not.toContain('root')
    const ended = { state: 'ended', host: 'h', ended: '2026-01-01T00:00:00.000Z', why: 'enough' } as const
    await here.world.parts.store.jobs.change(here.job.id, ['failed'], { hold: ended })
    await isIn(page, 'ended')
    await page.reload()
    await shows(page, 'vm login:')
    await isIn(page, 'ended')
  })

  it('is typed on by who may debug, until they stop; questions in it are answered by nobody', async () => {
    here = await startATerminalServer(sshd)
    await appendFile(await consoleFile(), 'vm login: \u001b[6n\u001b[c')
    const page = await visit(`/jobs/${here.job.id}/console`)
    await shows(page, 'vm login:')
    const { typed } = here.gateway
    await page.getByRole('button', { name: 'Type on it' }).click()
    await until(
      'it may be typed',
      async () => (await page.locator('#terminal').getAttribute('data-typing')) === 'yes',
    )
    await page.keyboard.type('root\n')
    await until('it is typed', () => typed.join('') === 'root\r')
    await appendFile(await consoleFile(), 'root\r\n\u001b[6nPassword: ')
    await shows(page, 'Password:')
    await page.keyboard.type('x')
    await until('it is typed', () => typed.join('') === 'root\rx')
    await page.getByRole('button', { name: 'Stop typing' }).click()
    await until('it is closed', () => typed.at(-1) === 'closed')
    const why = async () => await page.locator('#why').textContent()
    await until('it says so', async () => (await why()) === 'Typing has ended: it was closed')
  })
})
