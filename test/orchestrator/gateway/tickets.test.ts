import type { Client, ClientChannel } from 'ssh2'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Authorization } from '../../../orchestrator/gateway/gateway.ts'
import { consoleSubsystem } from '../../../orchestrator/gateway/run-console.ts'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { until } from '../until.ts'
import { type AGateway, startAGateway } from './a-gateway.ts'
import { type RealSshd, startSshd } from './an-sshd.ts'

type AllowedKey = Extract<Authorization, { kind: 'open' }>['keys'][number]

let sshd: RealSshd
let here: AGateway
const bob = makeKeyPair('bob')
const who = 'bob in a browser from 192.0.2.7'

beforeAll(async () => {
  sshd = await startSshd()
})
afterAll(() => sshd.stop())
afterEach(() => here.stop())

/** A gateway at which bob has a ticket for one login. */
async function withTicket(use: 'shell' | 'console', change: Parameters<typeof startAGateway>[1] = {}) {
  let spent = 0
  const ticket: AllowedKey = { who, publicKey: bob.publicKey, use, spend: async () => spent++ === 0 }
  here = await startAGateway(sshd, { tickets: () => [ticket], ...change })
}

const login = () => here.login({ privateKey: bob.privateKey })
const whyRefused = () => here.audit.flatMap((entry) => (entry.what === 'refused' ? [entry.why] : []))

function openSubsystem(client: Client, name: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) =>
    client.subsys(name, (error, channel) => (error ? reject(error) : resolve(channel))),
  )
}

function run(client: Client, command: string): Promise<string> {
  return new Promise((resolve, reject) =>
    client.exec(command, (error, channel) => {
      if (error) return reject(error)
      let output = ''
      channel.on('data', (chunk: Buffer) => {
        output += chunk
      })
      channel.once('close', () => resolve(output))
    }),
  )
}

describe('a ticket', () => {
  it('is good for one login, which has the name that stands in it on record', async () => {
    await withTicket('shell')
    const client = await login()
    expect(await run(client, 'echo hello')).toBe('hello\n')
    client.end()
    await until('the first session is over', () => here.gateway.sessions().length === 0)
    await expect(login()).rejects.toThrow()
    expect(whyRefused()).toEqual([expect.stringContaining('good for one login')])
    expect(here.audit.filter(({ what }) => what === 'login')).toEqual([expect.objectContaining({ who })])
  })

  it('that is not spent in time lets nobody in', async () => {
    await withTicket('shell', {
      tickets: () => [{ who, publicKey: bob.publicKey, use: 'shell', spend: async () => false }],
    })
    await expect(login()).rejects.toThrow()
    expect(whyRefused()).toEqual([expect.stringContaining('came too late')])
  })
})

describe('a ticket for the console', () => {
  it('types on it in order, beside whoever has a shell, with each on record', async () => {
    await withTicket('console')
    const ada = await here.login()
    const client = await login()
    const channel = await openSubsystem(client, consoleSubsystem)
    channel.write('ro')
    channel.write('ot\r')
    await until('it is typed', () => here.typed.join('') === 'root\r')
    channel.end()
    await until('it is closed', () => here.typed.at(-1) === 'closed')
    expect(await run(ada, 'echo still here')).toBe('still here\n')
    const consoles = () => here.audit.filter((entry) => 'kind' in entry && entry.kind === 'console')
    await until('its end is on record', () => consoles().length === 2)
    expect(consoles()).toMatchObject([
      { what: 'opened', who },
      { what: 'closed', who, toMachine: 5, exit: 0 },
    ])
    client.end()
    ada.end()
  })

  it('opens nothing else', async () => {
    await withTicket('console')
    const client = await login()
    await expect(run(client, 'id')).rejects.toThrow()
    await expect(openSubsystem(client, 'sftp')).rejects.toThrow()
    await expect(
      new Promise((resolve, reject) =>
        client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, (error, channel) =>
          error ? reject(error) : resolve(channel),
        ),
      ),
    ).rejects.toThrow('this key is for the console')
    const shell = new Promise((resolve, reject) =>
      client.shell((error, channel) => (error ? reject(error) : resolve(channel))),
    )
    await expect(shell).rejects.toThrow()
    expect(here.audit.filter(({ what }) => what === 'denied')).toHaveLength(4)
    expect(here.audit.filter(({ what }) => what === 'opened')).toEqual([])
    client.end()
  })

  it('ends with its reason when the hold does, and lets go of the console', async () => {
    await withTicket('console')
    const client = await login()
    const channel = await openSubsystem(client, consoleSubsystem)
    let said = ''
    channel.stderr.on('data', (chunk: Buffer) => {
      said += chunk
    })
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    channel.write('x')
    await until('it is typed', () => here.typed.length > 0)
    await here.gateway.endSessionsOf('job-1', 'ended by ada')
    await closed
    expect(said).toContain('Mayfly: ended by ada')
    await until('it is closed', () => here.typed.at(-1) === 'closed')
  })

  it('says why where the console cannot be opened', async () => {
    await withTicket('console', { openConsole: () => Promise.reject(new Error('the machine is gone')) })
    const client = await login()
    const channel = await openSubsystem(client, consoleSubsystem)
    let said = ''
    channel.stderr.on('data', (chunk: Buffer) => {
      said += chunk
    })
    const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()))
    channel.resume()
    await closed
    expect(said).toBe('Mayfly: the machine is gone\n')
    client.end()
  })
})
