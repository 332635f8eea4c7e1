import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type RealSshd, startSshd } from '../gateway/an-sshd.ts'
import { type ATerminalServer, aHold, startATerminalServer } from '../terminal/a-terminal-server.ts'
import { until } from '../until.ts'

let sshd: RealSshd
let here: ATerminalServer

beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(() => sshd.stop())
afterEach(() => here.stop())

const size = { cols: 80, rows: 24 }

/** Status that an upgrade was answered with. */
async function refusal(path: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`${here.url.replace('http', 'ws')}${path}`, { headers })
  const [, response] = await once(socket, 'unexpected-response')
  socket.on('error', () => undefined)
  socket.terminate()
  return (response as { statusCode: number }).statusCode
}

describe('a terminal in the browser', () => {
  it('is a shell in the machine, which follows the window and ends with its reason', async () => {
    here = await startATerminalServer(sshd)
    const token = await here.token('ada', ['read', 'debug'])
    const browser = await here.browse({ token })
    browser.say({ type: 'open', ...size })
    const { until: time, from, to } = await browser.message('opened')
    expect([Date.parse(time) > Date.now(), from, to]).toEqual([true, 0, 0])
    await browser.shows('step "test" failed')
    browser.type('stty size; echo shell-$((40 + 2))\r')
    await browser.shows('24 80')
    await browser.shows('shell-42')
    browser.say({ type: 'resize', cols: 100, rows: 30 })
    browser.type('stty size\r')
    await browser.shows('30 100')
    const closed = once(browser.socket, 'close')
    browser.type('exit 3\r')
    expect(await browser.message('ended')).toEqual({ type: 'ended', why: 'it ended with exit code 3' })
    expect((await closed)[0]).toBe(1000)
  })

  it('is on the audit record with the name of the token and the address of the browser, and is recorded', async () => {
    here = await startATerminalServer(sshd)
    const browser = await here.browse({ token: await here.token('ada', ['debug']) })
    browser.say({ type: 'open', ...size })
    await browser.message('opened')
    browser.type('echo seen-$((1 + 1)); exit\r')
    await browser.message('ended')
    const { audit, recordings } = here.gateway
    await until('its end is on record', () => audit.some(({ what }) => what === 'ended'))
    const who = 'ada in a browser from 127.0.0.1'
    expect(audit.filter((entry) => 'who' in entry).map((entry) => 'who' in entry && entry.who)).toEqual(
      audit.filter((entry) => 'who' in entry).map(() => who),
    )
    expect(audit.map(({ what }) => what)).toEqual(['login', 'opened', 'closed', 'ended'])
    expect(recordings[0]?.text).toContain('seen-2')
    expect(here.tickets.live()).toEqual([])
  })

  it('is for the scope `debug` alone, and for pages of this server', async () => {
    here = await startATerminalServer(sshd)
    const path = `/api/v1/jobs/${here.job.id}/terminal`
    const reader = { cookie: `mayfly_session=${await here.token('rita', ['read', 'submit'])}` }
    const ada = { cookie: `mayfly_session=${await here.token('ada', ['debug'])}` }
    expect(await refusal(path, {})).toBe(401)
    expect(await refusal(path, reader)).toBe(403)
    expect(await refusal(`/api/v1/jobs/${here.job.id}/console/type`, reader)).toBe(403)
    expect(await refusal(path, { ...ada, origin: 'https://evil.example' })).toBe(403)
    expect(await refusal(path, { ...ada, origin: 'null' })).toBe(403)
    expect(await refusal('/api/v1/jobs/nothing/terminal', ada)).toBe(404)
    // A token in the address would stand in the logs of every proxy.
    expect(await refusal(`${path}?token=${ada.cookie.split('=')[1]}`, {})).toBe(401)
    const plain = await fetch(`${here.url}${path}`, { headers: ada })
    expect(plain.status).toBe(426)
    const token = ada.cookie.split('=')[1] ?? ''
    const own = await here.browse({ token, headers: { origin: here.url } })
    own.say({ type: 'open', ...size })
    await own.message('opened')
    expect(here.gateway.audit.filter(({ what }) => what === 'login')).toHaveLength(1)
  })

  it('says in the words of the gateway why it may not be', async () => {
    here = await startATerminalServer(sshd, {
      gateway: { authorize: async () => ({ kind: 'refused', why: 'its repository is not opted in' }) },
    })
    const browser = await here.browse({ token: await here.token('ada', ['debug']) })
    browser.say({ type: 'open', ...size })
    expect((await browser.message('ended')).why).toBe('its repository is not opted in')
  })

  it('is told that the machine is not kept any more, and never asks a gateway then', async () => {
    here = await startATerminalServer(sshd)
    const hold = { state: 'ended', host: 'h', ended: '2026-01-01T00:00:00.000Z', why: 'enough' } as const
    await here.world.parts.store.jobs.change(here.job.id, ['failed'], { hold })
    const browser = await here.browse({ token: await here.token('ada', ['debug']) })
    browser.say({ type: 'open', ...size })
    expect((await browser.message('ended')).why).toContain('is not kept')
    expect(here.gateway.audit).toEqual([])
  })

  it('goes to no server that has another key than the gateway, whatever stands at its address', async () => {
    here = await startATerminalServer(sshd)
    const gateway = {
      host: '127.0.0.1',
      port: here.gateway.gateway.port,
      hostKey: here.gateway.ada.publicKey,
    }
    await here.world.parts.store.jobs.change(here.job.id, ['failed'], { hold: aHold({ gateway }) })
    const browser = await here.browse({ token: await here.token('ada', ['debug']) })
    browser.say({ type: 'open', ...size })
    expect((await browser.message('ended')).why).toMatch(/cannot be reached: 127\.0\.0\.1: .*verification/)
    expect(here.gateway.audit).toEqual([])
  })

  it('ends with the machine’s time, in the words of the gateway', async () => {
    here = await startATerminalServer(sshd)
    const browser = await here.browse({ token: await here.token('ada', ['debug']) })
    browser.say({ type: 'open', ...size })
    await browser.shows('step "test" failed')
    await here.gateway.gateway.endSessionsOf(here.job.id, 'the time of the job is over')
    expect((await browser.message('ended')).why).toBe('the time of the job is over')
  })
})

describe('typing on the console in the browser', () => {
  it('reaches the console in order, beside a shell, and is on record', async () => {
    here = await startATerminalServer(sshd)
    const token = await here.token('ada', ['debug'])
    const shell = await here.browse({ token })
    shell.say({ type: 'open', ...size })
    await shell.message('opened')
    const console = await here.browse({ token, path: `/api/v1/jobs/${here.job.id}/console/type` })
    console.say({ type: 'open', ...size })
    await console.message('opened')
    for (const key of 'root\r') console.type(key)
    await until('it is typed', () => here.gateway.typed.join('') === 'root\r')
    await until('it is told so', () => console.told.some((one) => one.type === 'typed' && one.at === 5))
    console.say({ type: 'end' })
    expect((await console.message('ended')).why).toBe('it was closed')
    const { audit } = here.gateway
    const kinds = () =>
      audit.flatMap((entry) => (entry.what === 'closed' ? [entry.kind, entry.toMachine] : []))
    await until('it is on record', () => kinds().length > 0)
    expect(kinds()).toEqual(['console', 5])
  })
})
