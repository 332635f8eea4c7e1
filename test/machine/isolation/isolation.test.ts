import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeDataFolder, removeDataFolder } from '../acceptance/boot.ts'
import type { Found, Probed } from './found.ts'

let found: Found
let data: string
let folder: string

beforeAll(async () => {
  data = await makeDataFolder()
  folder = await mkdtemp(join(tmpdir(), 'mayfly-world-'))
  const here = import.meta.dirname
  const child = [process.execPath, '--import', 'tsx', join(here, 'world-child.ts'), data]
  const { stdout } = await execa('sh', [join(here, 'world'), folder, ...child])
  found = JSON.parse(stdout)
})

afterAll(async () => {
  await removeDataFolder(data)
  await rm(folder, { recursive: true, force: true })
})

/** `kind to`, without those that answer as the internet does. */
function reachedBeyond({ reached }: Probed): string[] {
  const isPublic = (to: string, who: string) => to === '203.0.113.7' || who === 'listener:203-0-113-7'
  return reached
    .filter((one) => !isPublic(one.to, one.found) && one.to !== 'public.test')
    .map((one) => `${one.kind} ${one.to}`)
}

const reachedPublic = ({ reached }: Probed, kind: string) =>
  reached.some((one) => one.kind === kind && ['203.0.113.7', 'public.test'].includes(one.to))

describe('a guest with network: none', () => {
  it('reaches nothing at all, and nothing hears of it', () => {
    expect(found.none).toEqual({ reached: [], visits: [] })
  })
})

describe('a guest with network: web', () => {
  it('reaches what is public over its proxy, and nothing else by any way of writing it', () => {
    expect(reachedBeyond(found.web)).toEqual([])
    expect(reachedPublic(found.web, 'get')).toBe(true)
    expect(reachedPublic(found.web, 'connect')).toBe(true)
  })

  it('reaches nothing but through its proxy', () => {
    expect(found.web.reached.filter(({ proxy }) => proxy === undefined)).toEqual([])
  })

  it('is heard of by nobody but the internet, and the resolver of its host', () => {
    const names = found.web.visits.filter((visit) => visit.startsWith('dns '))
    expect(names).not.toContain('dns direct.test')
    expect(found.web.visits.filter((visit) => !names.includes(visit))).toEqual(['tcp 203.0.113.7'])
  })
})

describe('a guest with network: web, in a step of its own', () => {
  it('reaches nothing at all where the step has no network', () => {
    expect(found.offline).toEqual({ reached: [], visits: [] })
  })

  it('reaches what the allow-list of its repository names, and names nothing else to a resolver', () => {
    const { reached, visits } = found.allowed
    expect(new Set(reached.map(({ to }) => to))).toEqual(new Set(['rebind.test']))
    expect(visits).toEqual(['dns rebind.test', 'tcp 203.0.113.7'])
  })
})

describe('a guest with network: internet, in a network of its own', () => {
  it('reaches what is public over TCP, UDP and names, and of the rest the relay of names alone', () => {
    expect(reachedBeyond(found.internet)).toEqual(['dns 10.0.2.3', 'dns 198.18.0.3', 'name lan.test'])
    for (const kind of ['tcp', 'udp', 'name']) expect(reachedPublic(found.internet, kind)).toBe(true)
  })

  it('is heard of by nobody but the internet, and the resolver of its host', () => {
    expect(found.internet.visits).not.toContain('dns direct.test')
    expect(found.internet.visits.filter((visit) => visit.startsWith('tcp'))).toEqual(['tcp 203.0.113.7'])
  })
})

describe('the same probe, with the measures off', () => {
  it("finds the host's loopback, its own addresses, its LAN and another machine over the card", () => {
    const beyond = reachedBeyond(found.atRisk)
    for (const to of ['10.0.2.2', '192.168.77.1', '203.0.114.1', '192.168.77.2', '169.254.169.254']) {
      expect(beyond).toEqual(expect.arrayContaining([`tcp ${to}`, `udp ${to}`, `dns ${to}`]))
    }
    expect(beyond).toEqual(expect.arrayContaining(['banner 10.0.2.2', 'icmp 192.168.77.2']))
  })

  it('finds them through the proxy, however they are written, by redirects and by rebinding too', () => {
    const beyond = reachedBeyond(found.openProxy)
    for (const to of ['127.0.0.1', '127.1', '2130706433', '0x7f000001', '[::ffff:127.0.0.1]', '0.0.0.0']) {
      expect(beyond).toEqual(expect.arrayContaining([`get ${to}`, `connect ${to}`]))
    }
    for (const to of ['[fd77::2]', '192.168.77.2', '169.254.169.254', 'loop.test', 'lan.test', 'meta.test']) {
      expect(beyond).toEqual(expect.arrayContaining([`get ${to}`, `connect ${to}`]))
    }
    expect(beyond).toEqual(expect.arrayContaining(['get rebind.test', 'connect rebind.test']))
    const answers = found.openProxy.reached
    expect(answers.find(({ path }) => path === '/redirect')?.found).toBe('listener:127-0-0-1')
    expect(answers.some((one) => one.kind === 'connect' && one.found === 'listener:ssh')).toBe(true)
  })
})
