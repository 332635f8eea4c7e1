import { once } from 'node:events'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createBrowserShells, defaultShellLimits } from '../../../orchestrator/terminal/browser-shells.ts'
import { enterGateway } from '../../../orchestrator/terminal/enter-gateway.ts'
import { serveTerminal, type TerminalTimes } from '../../../orchestrator/terminal/serve-terminal.ts'
import { startAGateway } from '../gateway/a-gateway.ts'
import { type RealSshd, startSshd } from '../gateway/an-sshd.ts'
import { until } from '../until.ts'
import { type ABrowser, aBrowser } from './a-browser.ts'
import { memoryTickets } from './memory-tickets.ts'

let sshd: RealSshd

beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(() => sshd.stop())

const size = { cols: 80, rows: 24 }
const job = 'job-1'

type Setting = {
  /** What the gateway takes to answer. */
  slowMs?: number
  times?: Partial<TerminalTimes>
  limits?: NonNullable<Parameters<typeof createBrowserShells>[0]['limits']>
}

/** Browsers of several tokens, in front of a gateway in front of an sshd. */
async function aPlace({ times = {}, limits = {}, slowMs = 0 }: Setting = {}) {
  const tickets = memoryTickets()
  const gateway = await startAGateway(sshd, {
    authorize: async () => ({
      ...{ kind: 'open', until: new Date(Date.now() + 600_000) },
      keys: await tickets.ofJob(job),
    }),
    limits: { sessionsPerJob: 10 },
  })
  const revoked = new Set<string>()
  const place = { host: '127.0.0.1', port: gateway.gateway.port, hostKey: gateway.hostKey.publicKey }
  const until = new Date(Date.now() + 600_000).toISOString()
  const hold = { state: 'held', host: `${hostname()}-1`, until, gateway: place } as const
  const shells = createBrowserShells({
    enter: (order) => enterGateway({ tickets, hostName: hostname() }, order),
    limits,
  })
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 64 * 1024 })
  server.on('connection', (socket, request) => {
    const holder = request.url?.slice(1) ?? ''
    const order = { job, hold, who: holder, use: 'shell' } as const
    serveTerminal({
      ...{ socket, times },
      mayStay: async () => !revoked.has(holder),
      open: async (given) => {
        await sleep(slowMs)
        return await shells.open(holder, { ...order, size: given })
      },
      find: (id) => shells.find({ id, holder, job, use: 'shell' }),
    })
  })
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  onTestFinished(async () => {
    for (const socket of server.clients) socket.terminate()
    server.close()
    shells.close()
    await gateway.stop()
  })
  const browse = async (token = 'ada', acks = true): Promise<ABrowser> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${token}`)
    const browser = aBrowser(socket, acks)
    await once(socket, 'open')
    return browser
  }
  const open = async (token = 'ada', acks = true) => {
    const browser = await browse(token, acks)
    browser.say({ type: 'open', ...size })
    const { id } = await browser.message('opened')
    return { browser, id }
  }
  return { browse, open, gateway, shells, revoked }
}

/** An id of the shell's process, which is another for another shell. */
async function pidOf(browser: ABrowser): Promise<string> {
  browser.type('echo "pid=$$."\r')
  await until('its pid', () => /pid=\d+\./.test(browser.output()))
  return /pid=(\d+)\./.exec(browser.output())?.[1] ?? ''
}

const endsOf = (audit: readonly { what: string }[]) => audit.filter(({ what }) => what === 'ended').length

describe('a browser whose connection broke', () => {
  it('comes back to the same shell, and misses no byte that was said meanwhile', async () => {
    const { open, browse, gateway } = await aPlace()
    const { browser, id } = await open()
    const pid = await pidOf(browser)
    browser.type('for i in 1 2 3 4 5 6; do echo "line-$i"; sleep 0.2; done; echo done-$((1 + 1))\r')
    await browser.shows('line-2')
    browser.socket.terminate()
    const at = Buffer.byteLength(browser.output())
    await until('it would have gone on', async () => gateway.recordings[0]?.text.includes('line-5') === true)
    const back = await browse()
    back.say({ type: 'resume', id, at, cols: 120, rows: 40 })
    expect(await back.message('opened')).toMatchObject({ id, from: at })
    await back.shows('done-2')
    const whole = browser.output() + back.output()
    expect(whole.match(/^line-\d/gm)).toEqual(['line-1', 'line-2', 'line-3', 'line-4', 'line-5', 'line-6'])
    expect(await pidOf(back)).toBe(pid)
    back.type('stty size\r')
    await back.shows('40 120')
    expect(gateway.audit.filter(({ what }) => what === 'login')).toHaveLength(1)
  })

  it('is told where the rest begins when more was said than is kept', async () => {
    const { open, browse, gateway } = await aPlace({
      limits: { ...defaultShellLimits, keptBytes: 4096, unshownBytes: 2048 },
    })
    const { browser, id } = await open()
    browser.type('sleep 0.3; seq 1 5000; echo end-$((1 + 1))\r')
    await browser.shows('seq')
    browser.socket.terminate()
    await until('all was said', () => gateway.recordings[0]?.text.includes('end-2') === true)
    const back = await browse()
    back.say({ type: 'resume', id, at: 0, ...size })
    const { from, to } = await back.message('opened')
    expect(to - from).toBe(4096)
    await back.shows('end-2')
    expect(back.output()).toContain('\n5000')
  })

  it('finds nothing with another token or another id, and its shell is left alone', async () => {
    const { open, browse } = await aPlace()
    const { browser, id } = await open()
    const pid = await pidOf(browser)
    for (const [token, tried] of [
      ['eve', id],
      ['ada', `${id.slice(0, -1)}x`],
      ['ada', ''],
    ] as const) {
      const other = await browse(token)
      other.say({ type: 'resume', id: tried, at: 0, ...size })
      await other.message('gone')
    }
    expect(await pidOf(browser)).toBe(pid)
  })

  it('is shown in one window at a time: the one that came last', async () => {
    const { open, browse } = await aPlace()
    const { browser, id } = await open()
    const second = await browse()
    second.say({ type: 'resume', id, at: 0, ...size })
    expect((await browser.message('ended')).why).toContain('another window')
    await until('it is closed', () => browser.socket.readyState === WebSocket.CLOSED)
    second.type('echo here-$((1 + 1))\r')
    await second.shows('here-2')
  })

  it('has its shell ended when it does not come back, and at once when it was closed on purpose', async () => {
    const { open, browse, gateway } = await aPlace({ times: { linger: 300, leave: 100 } })
    const broken = await open()
    broken.browser.socket.terminate()
    await until('it is ended', () => endsOf(gateway.audit) === 1)
    const back = await browse()
    back.say({ type: 'resume', id: broken.id, at: 0, ...size })
    await back.message('gone')

    const left = await open()
    left.browser.socket.close(1001)
    await until('it is ended', () => endsOf(gateway.audit) === 2)
    const ended = await open()
    ended.browser.say({ type: 'end' })
    expect((await ended.browser.message('ended')).why).toBe('it was closed')
    await until('it is ended', () => endsOf(gateway.audit) === 3)
  })

  it('is taken for gone when it answers no sign of life', async () => {
    const { open, gateway } = await aPlace({ times: { beat: 100, linger: 100 } })
    const { browser } = await open()
    await browser.message('beat')
    // Reads nothing any more, so that it does not answer either.
    browser.socket.pause()
    await until('it is ended', () => endsOf(gateway.audit) === 1)
  })
})

describe('a browser that is slow', () => {
  it('makes the machine wait, holds next to nothing in memory, and has every byte in the end', async () => {
    const { open, shells } = await aPlace()
    const { browser } = await open('ada', false)
    browser.type('seq 1 400000 && echo all-$((1 + 1))\r')
    const { unshownBytes } = defaultShellLimits
    const received = () => Buffer.byteLength(browser.output())
    await until('it has what it may have', () => received() >= unshownBytes)
    // Time in which much more would come.
    await sleep(700)
    expect(received()).toBeLessThanOrEqual(unshownBytes + defaultShellLimits.frameBytes)
    expect(browser.output()).not.toContain('all-2')
    let told = 0
    const timer = setInterval(() => {
      if (received() === told) return
      told = received()
      browser.say({ type: 'shown', at: told })
    }, 5)
    onTestFinished(() => clearInterval(timer))
    await until('all of it', () => browser.output().includes('all-2'), 25_000)
    const numbers = browser.output().match(/^\d+\r$/gm) ?? []
    expect(numbers).toHaveLength(400_000)
    expect(numbers.at(-1)).toBe('400000\r')
    shells.close()
  })

  it('cannot say that it has shown what it was not sent', async () => {
    const { open } = await aPlace()
    const { browser } = await open('ada', false)
    browser.say({ type: 'shown', at: 1e15 })
    browser.type('seq 1 200000; echo all-$((1 + 1))\r')
    await until('it has what it may have', () => browser.output().length >= defaultShellLimits.unshownBytes)
    await sleep(500)
    expect(browser.output()).not.toContain('all-2')
  })
})

describe('a terminal', () => {
  it('is so many for a token, and so many for all; one that ended makes room', async () => {
    const { open, browse } = await aPlace({ limits: { ...defaultShellLimits, ofToken: 2, inAll: 3 } })
    const refused = async (token: string) => {
      const browser = await browse(token)
      browser.say({ type: 'open', ...size })
      return (await browser.message('ended')).why
    }
    const first = await open('ada')
    await open('ada')
    expect(await refused('ada')).toBe('this token has 2 of 2 terminals already')
    await open('bob')
    expect(await refused('eve')).toBe('all 3 terminals of this server are taken')
    first.browser.type('exit\r')
    await first.browser.message('ended')
    await open('ada')
  })

  it.each([
    ['no JSON', 'hello'],
    ['a message of another kind', '{"type":"root"}'],
    ['a window without columns', '{"type":"open","cols":0,"rows":24}'],
    ['a window that is no number', '{"type":"open","cols":"80","rows":24}'],
    ['an id that is too long', JSON.stringify({ type: 'resume', id: 'x'.repeat(200), at: 0, ...size })],
  ])('is closed to whoever says %s', async (_what, text) => {
    const { browse } = await aPlace()
    const browser = await browse()
    browser.socket.send(text)
    const [code] = await once(browser.socket, 'close')
    expect(code).toBe(1008)
  })

  it('is closed to whoever sends more at once than a message has, and keeps its shell for a better one', async () => {
    const { open, browse } = await aPlace()
    const { browser, id } = await open()
    browser.socket.send(Buffer.alloc(65 * 1024, 'x'))
    expect((await once(browser.socket, 'close'))[0]).toBe(1009)
    const back = await browse()
    back.say({ type: 'resume', id, at: 0, ...size })
    await back.message('opened')
  })

  it('is closed to whoever types more than the machine takes without waiting', async () => {
    const { open } = await aPlace()
    const { browser } = await open()
    browser.type('stty raw -echo; echo ready-$((1 + 1)); sleep 60\r')
    await browser.shows('ready-2')
    for (let sent = 0; sent < 4 * 2 ** 20; sent += 32 * 1024)
      browser.socket.send(Buffer.alloc(32 * 1024, 'x'))
    expect((await once(browser.socket, 'close'))[0]).toBe(1008)
  })

  it('is closed to whoever says nothing at first', async () => {
    const { browse } = await aPlace({ times: { first: 100 } })
    const browser = await browse()
    expect((await once(browser.socket, 'close'))[0]).toBe(1008)
  })

  it('ends when its token is no longer good, and that of another does not', async () => {
    const { open, revoked } = await aPlace({ times: { beat: 50 } })
    const ada = await open('ada')
    const bob = await open('bob')
    revoked.add('ada')
    expect((await ada.browser.message('ended')).why).toBe('its token is no longer good')
    bob.browser.type('echo still-$((1 + 1))\r')
    await bob.browser.shows('still-2')
  })

  it('waits for a gateway that takes its time', async () => {
    const { open } = await aPlace({ times: { first: 50 }, slowMs: 300 })
    const { browser } = await open()
    browser.type('echo here-$((1 + 1))\r')
    await browser.shows('here-2')
  })

  it('takes a large paste in order, told what was taken', async () => {
    const { open } = await aPlace()
    const { browser } = await open()
    browser.type('stty -echo -icanon; echo ready-$((1 + 1)); head -c 200000 | cksum; stty sane\r')
    await browser.shows('ready-2')
    const text = Buffer.from(Array.from({ length: 200_000 }, (_, index) => 97 + (index % 26)))
    const taken = () => browser.told.reduce((most, one) => (one.type === 'typed' ? one.at : most), 0)
    const start = taken()
    for (let at = 0; at < text.length; at += 8192) {
      await until('room to type', () => at - (taken() - start) < 32 * 1024)
      browser.socket.send(text.subarray(at, at + 8192))
    }
    const { stdout } = await execa('cksum', { input: text })
    await browser.shows(stdout.trim())
  })
})
