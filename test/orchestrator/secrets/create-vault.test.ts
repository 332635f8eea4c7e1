import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { createVault } from '../../../orchestrator/secrets/create-vault.ts'
import { secretsKeyFile } from '../../../orchestrator/secrets/key-file.ts'
import type { VaultPlace } from '../../../orchestrator/secrets/open-keys.ts'
import { rotateKey } from '../../../orchestrator/secrets/rotate-key.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let server: RealRedis
let redis: Redis
let folder: string
let place: VaultPlace
const signal = new AbortController().signal
const repository = 'github:owner/name'

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
})
afterAll(() => server.stop())

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-vault-'))
  const dataFolder = join(folder, 'data')
  await mkdir(dataFolder)
  place = { redis, prefix: 'test', keyFile: join(folder, 'etc', 'secrets.key'), dataFolder }
})
afterEach(async () => {
  await redis.flushall()
  await rm(folder, { recursive: true })
})

/** Everything that Redis has, as text. */
async function everythingInRedis(): Promise<string> {
  const found: string[] = []
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key)
    found.push(key, JSON.stringify(await (type === 'hash' ? redis.hgetall(key) : redis.dump(key))))
  }
  return found.join('\n')
}

describe('createVault', () => {
  it('keeps a secret and gives it back, to another process too', async () => {
    await (await createVault(place)).set(repository, 'TOKEN', 'hünter2')
    const again = await createVault({ ...place, redis: server.connect() })
    expect(await again.get(repository, 'TOKEN')).toBe('hünter2')
    expect(await again.get(repository, 'OTHER')).toBeUndefined()
    expect(await again.get('github:owner/other', 'TOKEN')).toBeUndefined()
  })

  it('lists names by scope and forgets what is removed', async () => {
    const vault = await createVault(place)
    await vault.set(repository, 'B', '1')
    await vault.set(repository, 'mayfly:webhook', '2')
    await vault.set('host', 'C', '3')
    expect(await vault.names(repository)).toEqual(['B', 'mayfly:webhook'])
    expect(await vault.remove(repository, 'B')).toBe(true)
    expect(await vault.remove(repository, 'B')).toBe(false)
    expect(await vault.names(repository)).toEqual(['mayfly:webhook'])
    expect(await vault.names('host')).toEqual(['C'])
  })

  it("resolves the repository's own before the host's, and leaves out what is in neither", async () => {
    const vault = await createVault(place)
    await vault.set('host', 'SHARED', 'host')
    await vault.set('host', 'BOTH', 'host')
    await vault.set(repository, 'BOTH', 'own')
    const names = ['SHARED', 'BOTH', 'NEITHER']
    expect(await vault.resolve(repository, names)).toEqual({ SHARED: 'host', BOTH: 'own' })
  })

  it("never resolves Mayfly's own secrets for a job", async () => {
    const vault = await createVault(place)
    await vault.set(repository, 'mayfly:clone', 'hunter2')
    await expect(vault.resolve(repository, ['mayfly:clone'])).rejects.toThrow(ConfigError)
  })

  it('has no value in Redis, and none of a removed or changed place opens', async () => {
    const vault = await createVault(place)
    await vault.set(repository, 'TOKEN', 'hunter2')
    const text = await everythingInRedis()
    expect(text).toContain('TOKEN')
    expect(text).not.toContain('hunter2')
    const sealed = (await redis.hget(`test:secrets:${repository}`, 'TOKEN')) ?? ''
    await redis.hset('test:secrets:host', 'TOKEN', sealed)
    await expect(vault.get('host', 'TOKEN')).rejects.toThrow(
      'expected the secret TOKEN of host as it was written',
    )
  })

  it.each([
    '',
    '1A',
    'A-B',
    'A B',
    'mayfly:',
    'mayfly:Webhook',
    'other:webhook',
    '__proto__\n',
    'A'.repeat(129),
  ])('refuses the name %j', async (name) => {
    const vault = await createVault(place)
    await expect(vault.set(repository, name, 'x')).rejects.toThrow(ConfigError)
  })

  it('keeps names that objects have by birth apart from them', async () => {
    const vault = await createVault(place)
    await vault.set(repository, 'constructor', 'x')
    await vault.set(repository, '__proto__', 'y')
    const found = await vault.resolve(repository, ['constructor', 'toString', '__proto__'])
    expect(Object.entries(found)).toEqual([
      ['constructor', 'x'],
      ['__proto__', 'y'],
    ])
  })

  it('refuses values that no variable can hold, without repeating them', async () => {
    const vault = await createVault(place)
    for (const value of ['', 'hunter2\0', 'hunter2'.repeat(10_000)]) {
      const error: unknown = await vault.set('host', 'A', value).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(ConfigError)
      expect(String(error)).not.toContain('hunter2')
    }
  })

  it('makes the key file on first use, for its owner alone', async () => {
    await createVault(place)
    expect((await stat(place.keyFile)).mode & 0o777).toBe(0o600)
  })

  it('makes one key when many processes start at once', async () => {
    const vaults = await Promise.all(Array.from({ length: 8 }, () => createVault(place)))
    await Promise.all(vaults.map((vault, index) => vault.set('host', `N${index}`, `${index}`)))
    for (const vault of vaults) expect(await vault.get('host', 'N3')).toBe('3')
  })

  it('refuses a key file that others can read', async () => {
    await createVault(place)
    await chmod(place.keyFile, 0o640)
    await expect(createVault(place)).rejects.toThrow(/readable by its owner alone, got mode 0640/)
  })

  it('refuses a key file in the data folder, by its name and by where a link leads', async () => {
    await expect(createVault({ ...place, keyFile: join(place.dataFolder, 'k') })).rejects.toThrow(
      'outside the data folder',
    )
    await symlink(place.dataFolder, join(folder, 'link'))
    await expect(createVault({ ...place, keyFile: join(folder, 'link', 'k') })).rejects.toThrow(
      'outside the data folder',
    )
  })

  it('refuses a key file that is none', async () => {
    await mkdir(join(folder, 'etc'))
    await writeFile(place.keyFile, 'word', { mode: 0o600 })
    await expect(createVault(place)).rejects.toThrow('expected lines of 32 bytes in base64')
  })

  it('says that the key is wrong at start, and writes nothing with it', async () => {
    const vault = await createVault(place)
    await vault.set('host', 'A', 'hunter2')
    const other = join(folder, 'other.key')
    await writeFile(other, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
    await expect(createVault({ ...place, keyFile: other })).rejects.toThrow(
      'that the secrets were encrypted with, got another',
    )
    expect(await vault.get('host', 'A')).toBe('hunter2')
  })

  it('does not make a new key where secrets exist and the key file is gone', async () => {
    await createVault(place)
    await rm(place.keyFile)
    await expect(createVault(place)).rejects.toThrow('got no such file')
  })
})

describe('rotateKey', () => {
  it('seals everything with a new key, under the feet of who uses the vault', async () => {
    const vault = await createVault(place)
    await vault.set('host', 'A', '1')
    await vault.set(repository, 'B', '2')
    const before = await readFile(place.keyFile, 'utf8')
    expect(await rotateKey(place, signal)).toBe(2)
    const after = await readFile(place.keyFile, 'utf8')
    expect(after.split('\n')[1]).not.toBe(before.split('\n')[1])
    expect(after.trim().split('\n')).toHaveLength(2)
    expect((await stat(place.keyFile)).mode & 0o777).toBe(0o600)
    expect(await vault.get('host', 'A')).toBe('1')
    expect(await (await createVault(place)).get(repository, 'B')).toBe('2')
  })

  it('makes the old key worthless', async () => {
    const vault = await createVault(place)
    await vault.set('host', 'A', '1')
    const old = join(folder, 'old.key')
    await writeFile(old, await readFile(place.keyFile), { mode: 0o600 })
    await rotateKey(place, signal)
    await expect(createVault({ ...place, keyFile: old })).rejects.toThrow('got another')
  })

  it('goes on where it was interrupted', async () => {
    const vault = await createVault(place)
    for (let index = 0; index < 20; index++) await vault.set('host', `N${index}`, `${index}`)
    const aborting = new AbortController()
    const rotating = rotateKey(place, aborting.signal)
    setTimeout(() => aborting.abort(new Error('stop')), 3)
    await rotating.catch(() => undefined)
    for (let index = 0; index < 20; index++) expect(await vault.get('host', `N${index}`)).toBe(`${index}`)
    await rotateKey(place, signal)
    for (let index = 0; index < 20; index++) expect(await vault.get('host', `N${index}`)).toBe(`${index}`)
    expect((await readFile(place.keyFile, 'utf8')).trim().split('\n')).toHaveLength(2)
  })
})

describe('secretsKeyFile', () => {
  it("takes the host file's word, else a place by user", () => {
    const none = { secretsKey: undefined }
    expect(secretsKeyFile({ host: { secretsKey: '/k' }, env: {}, uid: 0 })).toBe('/k')
    expect(secretsKeyFile({ host: none, env: {}, uid: 0 })).toBe('/etc/mayfly/secrets.key')
    expect(secretsKeyFile({ host: none, env: { XDG_CONFIG_HOME: '/c' }, uid: 1 })).toBe(
      '/c/mayfly/secrets.key',
    )
    expect(secretsKeyFile({ host: none, env: { XDG_CONFIG_HOME: 'c' }, uid: 1, home: '/h' })).toBe(
      '/h/.config/mayfly/secrets.key',
    )
  })
})
