import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ConfigError } from '../../../config/errors.ts'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { baseCloudConfig } from '../../../runner/seed/cloud-config.ts'
import { mergeUserData } from '../../../runner/seed/user-data.ts'

const hostKey = makeKeyPair('host')
const { publicKey } = makeKeyPair('job')
const base = baseCloudConfig({ hostname: 'm1', user: 'debian', publicKey, hostKey, nonce: 'nonce-1234' })

type Merged = Record<string, unknown> & {
  users: (Record<string, unknown> | string)[]
  ssh_authorized_keys: string[]
}

function merge(...layers: (string | undefined)[]): Merged {
  const text = mergeUserData({ base, layers }).toString()
  expect(text).toMatch(/^#cloud-config\n/)
  return parse(text, { version: '1.1' }) as Merged
}

function config(...lines: string[]): string {
  return ['#cloud-config', ...lines].join('\n')
}

/** The login survives: asserted after every merge that tries to break it. */
function expectLogin(merged: Merged): void {
  const [login] = merged.users
  expect(login).toMatchObject({
    name: 'debian',
    sudo: 'ALL=(ALL) NOPASSWD:ALL',
    shell: '/bin/bash',
    lock_passwd: true,
  })
  expect((login as { ssh_authorized_keys: string[] }).ssh_authorized_keys[0]).toBe(publicKey)
  expect(
    merged.users.filter((user) => user === 'debian' || (user as { name?: string }).name === 'debian'),
  ).toEqual([login])
  expect(merged.ssh_authorized_keys[0]).toBe(publicKey)
  expect(merged.ssh_pwauth).toBe(false)
  expect(merged.disable_root).toBe(true)
  expect(merged.ssh_deletekeys).toBe(true)
  expect(merged.ssh_keys).toEqual({ ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey })
}

function failure(text: string): ConfigError {
  try {
    mergeUserData({ base, layers: [undefined, text] })
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('expected a ConfigError, got user-data')
}

describe('mergeUserData', () => {
  it('is our own cloud-config when nobody adds to it', () => {
    const merged = merge(undefined, '', '  \n')
    expect(merged).toEqual(JSON.parse(JSON.stringify(base)))
    expectLogin(merged)
    expect(merged.write_files).toEqual([
      { path: '/run/mayfly/nonce', content: 'nonce-1234\n', permissions: '0644' },
    ])
  })

  it('merges maps deep and appends the lists of the image and of the job, in that order', () => {
    const merged = merge(
      config(
        'apt: { primary: x, conf: "a" }',
        'packages: [git]',
        'runcmd:',
        '- echo image',
        'ntp: { servers: [a] }',
      ),
      config(
        'apt: { conf: "b" }',
        'packages: [make]',
        'runcmd:',
        '- [echo, job]',
        'ntp: { servers: [b] }',
        'package_update: true',
      ),
    )
    expect(merged.apt).toEqual({ primary: 'x', conf: 'b' })
    expect(merged.packages).toEqual(['git', 'make'])
    expect(merged.runcmd).toEqual(['echo image', ['echo', 'job']])
    expect(merged.ntp).toEqual({ servers: ['b'] })
    expect(merged.package_update).toBe(true)
    expectLogin(merged)
  })

  it("keeps the job's users, files and keys beside ours", () => {
    const merged = merge(
      config(
        'users: [default, { name: alice, ssh_authorized_keys: [ssh-ed25519 AAAAalice] }]',
        'ssh_authorized_keys: [ssh-ed25519 AAAAmine]',
        'write_files: [{ path: /etc/x, content: y, permissions: 0600 }]',
      ),
    )
    expectLogin(merged)
    expect(merged.users).toHaveLength(2)
    expect(merged.users[1]).toEqual({ name: 'alice', ssh_authorized_keys: ['ssh-ed25519 AAAAalice'] })
    expect((merged.users[0] as { ssh_authorized_keys: string[] }).ssh_authorized_keys).toEqual([
      publicKey,
      'ssh-ed25519 AAAAmine',
    ])
    expect(merged.write_files).toHaveLength(2)
    // 0600 is octal to cloud-init, and stays the number that it reads.
    expect((merged.write_files as { permissions: number }[])[1]?.permissions).toBe(0o600)
  })

  it.each([
    ['allows passwords', config('ssh_pwauth: yes')],
    ['empties the users', config('users: []')],
    ['nulls the users', config('users:')],
    [
      'takes the shell away',
      config('users: [{ name: debian, shell: /bin/false, sudo: false, inactive: "1" }]'),
    ],
    [
      'replaces the keys',
      config('users: [{ name: debian, ssh_authorized_keys: [] }]', 'ssh_authorized_keys: []'),
    ],
    ['locks the default user', config('users: [{ name: default, expiredate: "2001-01-01" }]')],
    ['names users in a string', config('users: debian, bob')],
    ['names users in a map', config('users: { debian: { shell: /bin/false }, bob: }')],
    ['uses the old user key', config('user: { name: debian, shell: /bin/false }')],
    ['brings its own host keys', config('ssh_keys: { rsa_private: x }', 'ssh_deletekeys: false')],
    ['lets root in', config('disable_root: false')],
  ])('AC22: keeps the login when user-data %s', (_, layer) => {
    expectLogin(merge(layer))
    expectLogin(merge(layer, layer))
  })

  it('never lets a password expire, for sshd would then refuse the login', () => {
    const merged = merge(config('chpasswd: { expire: true, list: "debian:secret" }'))
    expect(merged.chpasswd).toEqual({ expire: false, list: 'debian:secret' })
  })

  it('adds the modules that the login needs to a list that lacks them', () => {
    const merged = merge(config('cloud_init_modules: [users_groups, [bootcmd, always]]'))
    expect(merged.cloud_init_modules).toEqual(['users_groups', ['bootcmd', 'always'], 'write-files', 'ssh'])
  })

  it('keeps the login under any cloud-config there may be', () => {
    const key = fc.constantFrom(
      'users',
      'user',
      'ssh_keys',
      'ssh_pwauth',
      'disable_root',
      '__proto__',
      'x',
      'chpasswd',
    )
    const user = fc.oneof(
      fc.constantFrom('default', 'debian', 'bob'),
      fc.record(
        { name: fc.constantFrom('debian', 'bob', 'default'), shell: fc.string() },
        { requiredKeys: [] },
      ),
    )
    const value = fc.oneof(fc.array(user), fc.constant(null), fc.dictionary(fc.string(), fc.string()))
    fc.assert(
      fc.property(fc.array(fc.dictionary(key, value), { maxLength: 3 }), (layers) => {
        expectLogin(merge(...layers.map((layer) => `#cloud-config\n${JSON.stringify(layer)}`)))
      }),
    )
  })

  it('hands any text over to the guest unchanged, in ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (content) => {
        const layer = `#cloud-config\n${JSON.stringify({ note: content }).replaceAll(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}`
        const text = mergeUserData({ base, layers: [layer] }).toString()
        expect(text).toMatch(/^[\n\x20-\x7e]*$/)
        expect((parse(text, { version: '1.1' }) as { note: string }).note).toBe(content)
      }),
    )
  })

  it('keeps binary content and dates as cloud-init reads them', () => {
    const text = mergeUserData({
      base,
      layers: [config('blob: !!binary AAECAw==', 'day: 2030-01-02')],
    }).toString()
    expect(text).toContain('!!binary')
    expect(text).toContain('"day": "2030-01-02"')
    expect(Buffer.from((parse(text, { version: '1.1' }) as { blob: Uint8Array }).blob)).toEqual(
      Buffer.of(0, 1, 2, 3),
    )
  })

  it('makes a script a part of its own beside the cloud-config', () => {
    const script = '#!/bin/sh\necho "ünicode" $((1+1))\n'
    const text = mergeUserData({ base, layers: [config('packages: [git]'), script] }).toString()
    const boundary = /boundary="([^"]+)"/.exec(text)?.[1] ?? 'none'
    const parts = text.split(`--${boundary}`).slice(1, -1)
    const bodies = parts.map((part) => Buffer.from(part.split('\n\n')[1] ?? '', 'base64').toString())
    expect(parts.map((part) => /Content-Type: ([^;]+)/.exec(part)?.[1])).toEqual([
      'text/cloud-config',
      'text/x-shellscript',
    ])
    expect(bodies[1]).toBe(script)
    const merged = parse(bodies[0] ?? '', { version: '1.1' }) as Merged
    expectLogin(merged)
    expect(merged.packages).toEqual(['git'])
  })

  it.each([
    ['a tab as indentation', config('a:', '\tb: 1'), 3],
    ['a bracket that is never closed', config('a: 1', 'b: [1, 2'), 3],
    ['a key that comes twice', config('a: 1', 'a: 2'), 3],
    ['an unknown tag', config('a: !python/object x'), 2],
    ['a list at the top', config('- a'), 2],
    ['runcmd as text', config('a: 1', 'runcmd: echo'), 3],
    ['neither header', 'packages: [git]', 1],
    ['a longer header', '#cloud-config-archive\n- a', 1],
    ['a NUL byte', config('a: 1', 'b: \0'), 3],
    ['a script with CRLF', '#!/bin/sh\r\ntrue\r\n', 1],
  ])('AC22: refuses %s with the line and the column', (_, text, line) => {
    const error = failure(text)
    expect(error.problems[0]).toMatchObject({ file: 'user-data', line })
    expect(error.problems[0]?.column).toBeGreaterThan(0)
    expect(error.message).toMatch(/^user-data:\d+:\d+: Expected .+, got /)
    expect(error.hint).toBeDefined()
  })

  it('refuses a document that unfolds without end', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `k${i + 1}: &k${i + 1} [${`*k${i}, `.repeat(9)}]`)
    expect(failure(config('k0: &k0 [x]', ...levels)).message).toContain('Expected YAML of a sane size')
  })
})
