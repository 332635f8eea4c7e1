import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Machine } from '../../../runner/machine/machine.ts'
import { startClone } from '../templates/clones.ts'
import { makeDataFolder, output, removeDataFolder } from './boot.ts'

const signal = new AbortController().signal

let data: string
let server: Server
let port: number
let requests = 0

beforeAll(async () => {
  data = await makeDataFolder()
  // What a job must never reach: a service on the loopback of its host.
  server = createServer((_request, response) => {
    requests++
    response.end('private\n')
  })
  server.on('connection', () => requests++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})

afterAll(async () => {
  server.close()
  await removeDataFolder(data)
})

describe('a machine with network: none', () => {
  let machine: Machine

  beforeAll(async () => {
    machine = await startMachine('none')
  })
  afterAll(() => machine?.destroy('now'))

  it('AC42: has no way to the loopback of its host, and no names', async () => {
    await expectNoWayToHost(machine)
  })

  it('has no proxy either', async () => {
    expect(await stepOutput(machine, 'env | grep -ci proxy || true')).toBe('0\n')
    expect(await output(machine, 'ss -Hltn | grep -v ":22 " || echo nothing else')).toBe('nothing else')
    expect(machine.traffic()).toEqual([])
  })
})

describe('a machine with network: web', () => {
  let machine: Machine

  beforeAll(async () => {
    machine = await startMachine('web')
  })
  afterAll(() => machine?.destroy('now'))

  it('AC42: has no way to the loopback of its host but by SSH, and no names of its own', async () => {
    await expectNoWayToHost(machine)
  })

  it('finds its proxy in the environment, also under sudo, on a port of its own loopback', async () => {
    const script = 'echo "$http_proxy $HTTPS_PROXY $no_proxy"; sudo sh -c \'echo "$http_proxy"\''
    const [user, root] = (await stepOutput(machine, script)).split('\n')
    expect(user).toMatch(/^(http:\/\/127\.0\.0\.1:\d+) \1 localhost,127\.0\.0\.1,::1$/)
    expect(user?.split(' ')[0]).toBe(root)
    const proxyPort = root?.split(':').at(-1)
    expect(await output(machine, 'ss -Hltn')).toContain(`127.0.0.1:${proxyPort} `)
  })

  it('is refused the loopback of its host, its own addresses and link-local ones by the proxy', async () => {
    const own = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
    const addresses = own.filter(({ family, internal }) => family === 'IPv4' && !internal)
    const targets = [
      `http://127.0.0.1:${port}/`,
      'http://127.0.0.1/',
      'http://localhost/',
      'http://0.0.0.0/',
      'http://[::1]/',
      'http://[::ffff:127.0.0.1]/',
      'http://2130706433/',
      'http://169.254.169.254/latest/meta-data/',
      'http://10.0.2.2/',
      ...addresses.map(({ address }) => `http://${address}/`),
    ]
    const ask = targets.map((target) => `curl -sg --noproxy '' -o /dev/null -w '%{http_code}\\n' '${target}'`)
    expect((await stepOutput(machine, ask.join('\n'))).trim().split('\n')).toEqual(targets.map(() => '403'))
    const tunnels = targets.map((target) => {
      const [, address = ''] = /^http:\/\/([^/]+)\//.exec(target) ?? []
      const to = /:\d+$/.test(address) && !address.endsWith(']') ? address : `${address}:443`
      return `curl -sg --noproxy '' --proxytunnel -o /dev/null -w '%{http_connect}\\n' 'http://${to}/' || true`
    })
    expect((await stepOutput(machine, tunnels.join('\n'))).trim().split('\n')).toEqual(
      targets.map(() => '403'),
    )
    expect(requests).toBe(0)
    const record = machine.traffic()
    expect(record.find(({ host }) => host === '169.254.169.254')?.refused).toContain('link-local')
    expect(record.find(({ host }) => host === 'localhost')?.refused).toContain('loopback')
    expect(record.every(({ refused }) => refused !== undefined)).toBe(true)
  })
})

async function startMachine(network: 'none' | 'web'): Promise<Machine> {
  const { ready } = await startClone({ data, network })
  const machine = await ready
  await machine.prepare({ workdir: '/home/ci/work', env: {} }, signal)
  return machine
}

// SLIRP's gateway is the host's own loopback; 10.0.2.3 would be its name server. curl's 7 and 28: not connected.
async function expectNoWayToHost(machine: Machine): Promise<void> {
  const ask = (url: string) => `{ curl -s --noproxy '*' --max-time 3 -o /dev/null ${url}; echo $?; }`
  const names = '{ getent ahosts packages.example.org || echo no names; }'
  const all = [ask(`http://10.0.2.2:${port}/`), ask('http://10.0.2.3:53/'), names].map((one) => `${one} &`)
  const answers = (await output(machine, `${all.join(' ')} wait`)).split('\n').sort()
  expect(answers).toEqual([expect.stringMatching(/^(7|28)$/), expect.stringMatching(/^(7|28)$/), 'no names'])
  expect(requests).toBe(0)
}

let steps = 0

/** What a script prints that is run as a step, in a step's environment. */
async function stepOutput(machine: Machine, script: string): Promise<string> {
  let printed = ''
  const onOutput = (chunk: Buffer) => {
    printed += chunk.toString('utf8')
  }
  const step = { index: steps++, name: 'step', script, shell: 'sh -e', env: {}, timeout: undefined, onOutput }
  expect(await machine.runStep(step, signal)).toMatchObject({ kind: 'exited', code: 0 })
  return printed
}
