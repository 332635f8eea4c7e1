import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ConfigError } from '../../../config/errors.ts'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { makeSeed, seedFiles } from '../../../runner/seed/seed.ts'
import type { SeedSpec } from '../../../runner/seed/seed-spec.ts'

const user = userInfo().username
const spec: SeedSpec = {
  machineId: 'm-0123',
  hostname: 'mayfly-0123',
  user,
  publicKey: makeKeyPair('job').publicKey,
  hostKey: makeKeyPair('host'),
  nonce: 'nonce-0123456789',
  seed: 'mayfly',
  userData: [undefined, undefined],
  macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'],
}

function file(name: string, changes: Partial<SeedSpec> = {}): string {
  const found = seedFiles({ ...spec, ...changes }).find((candidate) => candidate.name === name)
  if (!found) throw new Error(`expected ${name} among the seed files`)
  return found.content.toString()
}

function names(changes: Partial<SeedSpec>): string[] {
  return seedFiles({ ...spec, ...changes }).map((candidate) => candidate.name)
}

describe('seedFiles', () => {
  it('gives cloud-init its three files, and our own unit a script more', () => {
    expect(names({ seed: 'cloud-init' })).toEqual(['user-data', 'meta-data', 'network-config'])
    expect(names({})).toEqual(['user-data', 'meta-data', 'network-config', 'mayfly.sh'])
  })

  it('flags custom user-data for our own unit only when there is any', () => {
    expect(names({ userData: ['#cloud-config\npackages: [git]\n'] })).toContain('custom-user-data')
    expect(names({ userData: ['', '\n', undefined] })).not.toContain('custom-user-data')
  })

  it('names the machine in meta-data', () => {
    expect(parse(file('meta-data'))).toEqual({ 'instance-id': 'm-0123', 'local-hostname': 'mayfly-0123' })
  })

  it('asks for DHCP on each card by its MAC address', () => {
    expect(parse(file('network-config', { seed: 'cloud-init' }))).toMatchObject({
      version: 2,
      ethernets: {
        eth0: { match: { macaddress: '52:54:00:00:00:01' }, dhcp4: true, 'set-name': 'eth0' },
        eth1: { match: { macaddress: '52:54:00:00:00:02' }, dhcp4: true, 'set-name': 'eth1' },
      },
    })
  })

  it('keeps a late cloud-init away from the network and the host key of our own image', () => {
    expect(parse(file('network-config'))).toEqual({ config: 'disabled' })
    const merged = parse(
      file('user-data', {
        userData: ['#cloud-config\nssh_keys: { rsa_private: x }\nssh_deletekeys: true\n'],
      }),
    )
    expect(merged.ssh_deletekeys).toBe(false)
    expect(merged).not.toHaveProperty('ssh_keys')
  })

  it('locks the password of the login user only where sshd has PAM, and our own image has none', () => {
    const lockOf = (seed: SeedSpec['seed']) => parse(file('user-data', { seed })).users[0].lock_passwd
    expect([lockOf('cloud-init'), lockOf('mayfly')]).toEqual([true, false])
  })

  it.each<[string, Partial<SeedSpec>]>([
    ['an empty public key', { publicKey: '' }],
    ['a key of two lines', { publicKey: `${spec.publicKey}\nssh-ed25519 AAAA` }],
    ['a quote in a key comment', { publicKey: makeKeyPair("it's").publicKey }],
    ['a hostname with a space', { hostname: 'a b' }],
    ['an empty hostname', { hostname: '' }],
    ['a hostname that is too long', { hostname: 'x'.repeat(64) }],
    ['a user with a slash', { user: '../root' }],
    ['a nonce with a semicolon', { nonce: 'nonce;reboot' }],
    ['a machine id with a newline', { machineId: 'm\n1' }],
    ['a private key that is none', { hostKey: { ...spec.hostKey, privateKey: "'; reboot; '" } }],
    ['a MAC address that is none', { macs: ['52:54'] }],
  ])('AC21: never lets a machine start without a sound key: refuses %s', (_, changes) => {
    expect(() => makeSeed({ ...spec, ...changes })).toThrow(ConfigError)
  })

  it('never shows the private key in an error', () => {
    const broken = { ...spec.hostKey, privateKey: `${spec.hostKey.privateKey}x` }
    expect(() => makeSeed({ ...spec, hostKey: broken })).toThrow(/got something else$/)
  })
})

describe('mayfly.sh', () => {
  let root: string

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mayfly-root-'))
    for (const folder of ['etc/ssh', `home/${user}`, 'proc/sys/kernel', 'run']) {
      mkdirSync(join(root, folder), { recursive: true })
    }
    writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n127.0.1.1 old\n::1 localhost')
  })
  afterEach(() => rmSync(root, { recursive: true }))

  function run(changes: Partial<SeedSpec> = {}): void {
    const script = join(root, 'mayfly.sh')
    writeFileSync(script, file('mayfly.sh', changes))
    execFileSync('sh', [script], { env: { PATH: process.env.PATH, MAYFLY_ROOT: root } })
  }
  const read = (path: string) => readFileSync(join(root, path), 'utf8')
  const mode = (path: string) => statSync(join(root, path)).mode & 0o777

  it('puts keys, hostname and nonce in place with the modes that sshd asks for', () => {
    run()
    expect(read('etc/ssh/ssh_host_ed25519_key')).toBe(spec.hostKey.privateKey)
    expect(mode('etc/ssh/ssh_host_ed25519_key')).toBe(0o600)
    expect(read('etc/ssh/ssh_host_ed25519_key.pub')).toBe(`${spec.hostKey.publicKey}\n`)
    expect(mode('etc/ssh/ssh_host_ed25519_key.pub')).toBe(0o644)
    expect(read(`home/${user}/.ssh/authorized_keys`)).toBe(`${spec.publicKey}\n`)
    expect(mode(`home/${user}/.ssh/authorized_keys`)).toBe(0o600)
    expect(mode(`home/${user}/.ssh`)).toBe(0o700)
    expect(statSync(join(root, `home/${user}/.ssh/authorized_keys`)).uid).toBe(userInfo().uid)
    expect(read('proc/sys/kernel/hostname')).toBe('mayfly-0123\n')
    expect(read('etc/hostname')).toBe('mayfly-0123\n')
    expect(read('etc/hosts')).toBe('127.0.0.1 localhost\n::1 localhost\n127.0.1.1 mayfly-0123\n')
    expect(read('run/mayfly/nonce')).toBe('nonce-0123456789\n')
    expect(mode('run/mayfly/nonce')).toBe(0o644)
  })

  it('replaces what an earlier run left, and its modes', () => {
    mkdirSync(join(root, `home/${user}/.ssh`))
    writeFileSync(join(root, `home/${user}/.ssh/authorized_keys`), 'ssh-ed25519 stale\n', { mode: 0o644 })
    writeFileSync(join(root, 'etc/ssh/ssh_host_ed25519_key'), 'stale', { mode: 0o644 })
    run()
    run({ hostname: 'second', nonce: 'nonce-second' })
    expect(read(`home/${user}/.ssh/authorized_keys`)).toBe(`${spec.publicKey}\n`)
    expect(mode('etc/ssh/ssh_host_ed25519_key')).toBe(0o600)
    expect(read('etc/hosts')).toBe('127.0.0.1 localhost\n::1 localhost\n127.0.1.1 second\n')
    expect(read('run/mayfly/nonce')).toBe('nonce-second\n')
  })

  it('writes no nonce when anything before it fails', () => {
    rmSync(join(root, 'etc/ssh'), { recursive: true })
    expect(() => run()).toThrow()
    expect(() => read('run/mayfly/nonce')).toThrow('ENOENT')
  })
})
