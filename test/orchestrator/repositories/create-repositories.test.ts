import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { createRepositories } from '../../../orchestrator/repositories/create-repositories.ts'
import type { Registration, Repositories } from '../../../orchestrator/repositories/repositories.ts'
import { createVault } from '../../../orchestrator/secrets/create-vault.ts'
import type { Vault } from '../../../orchestrator/secrets/vault.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let server: RealRedis
let redis: Redis
let folder: string
let vault: Vault
let repositories: Repositories
const now = () => new Date('2026-07-01T12:00:00Z')

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
})
afterAll(() => server.stop())

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-repositories-'))
  const keyFile = join(folder, 'secrets.key')
  vault = await createVault({ redis, prefix: 'test', keyFile, dataFolder: join(folder, 'data') })
  repositories = withHost([])
})
afterEach(async () => {
  await redis.flushall()
  await rm(folder, { recursive: true })
})

function withHost(entries: Awaited<ReturnType<typeof loadHostConfig>>['repositories']): Repositories {
  const store = createRedisStore({ redis, prefix: 'test' })
  return createRepositories({ store, vault, host: { repositories: entries }, now })
}

/** The repositories of a host file with this text. */
async function fromHostFile(text: string): Promise<Repositories> {
  const file = join(folder, 'mayfly.yml')
  await writeFile(file, text)
  return withHost((await loadHostConfig({ file, env: {} })).repositories)
}

const registration: Registration = {
  forge: 'gitea',
  name: 'owner/name',
  cloneUrl: 'https://forge.example/owner/name.git',
}
const key = 'gitea:owner/name'

describe('add', () => {
  it('registers with defaults, and makes a webhook secret that it says once', async () => {
    const { repository, webhookSecret } = await repositories.add(registration)
    expect(repository).toEqual({
      ...registration,
      limits: { running: undefined, queued: 500, matrix: 100 },
      defaultBranch: 'main',
      submodules: false,
      lfs: false,
      created: '2026-07-01T12:00:00.000Z',
      from: 'api',
    })
    expect(webhookSecret).toMatch(/^[0-9a-f]{64}$/)
    expect(await vault.get(key, 'mayfly:webhook')).toBe(webhookSecret)
    expect(await repositories.get(key)).toMatchObject(registration)
    expect(JSON.stringify(await repositories.list())).not.toContain(webhookSecret)
  })

  it('keeps what is given, and no secret outside the vault', async () => {
    const secrets = { webhook: 'hook-s3cret', token: 'token-s3cret', clone: 'clone-s3cret' }
    const { repository, webhookSecret } = await repositories.add({
      ...registration,
      apiUrl: 'https://forge.example/api/v1',
      images: ['debian-12-local'],
      limits: { running: 2 },
      defaultBranch: 'trunk',
      schedules: [{ cron: '0 4 * * *', branch: 'trunk' }],
      secrets,
    })
    expect(webhookSecret).toBeUndefined()
    expect(repository).toMatchObject({
      limits: { running: 2, queued: 500, matrix: 100 },
      defaultBranch: 'trunk',
      schedules: [{ cron: '0 4 * * *', branch: 'trunk' }],
    })
    expect(await vault.get(key, 'mayfly:clone')).toBe('clone-s3cret')
    expect(JSON.stringify(repository) + (await redis.hget('test:repositories', key))).not.toContain('s3cret')
  })

  it('refuses one that is registered already', async () => {
    await repositories.add(registration)
    await expect(repositories.add(registration)).rejects.toThrow(`that is not registered yet, got ${key}`)
  })

  it.each([
    ['credentials in the clone URL', { cloneUrl: 'https://me:s3cret@forge.example/a' }],
    ['credentials in the API URL', { apiUrl: 'https://me:s3cret@forge.example/a' }],
    ['a token in place of the clone URL', { cloneUrl: 's3cret' }],
    ['a transport that runs programs', { cloneUrl: 'ext::sh -c id' }],
    ['a name that leaves its place', { name: '../../s3cret' }],
    ['a pipeline file outside', { pipelineFile: '/etc/passwd' }],
    ['a forge that there is not', { forge: 's3cret' }],
    ['a limit of nothing', { limits: { queued: 0 } }],
    ['a host with a scheme', { network: { allow: ['https://a.test'], deny: [], audit: false } }],
    ['an empty secret', { secrets: { webhook: '' } }],
    ['a secret that is no text', { secrets: { webhook: 5 } }],
    ['a key that there is not', { clone_url: 'x' }],
  ])('refuses %s, keeps nothing and repeats no value', async (_what, change) => {
    const error: unknown = await repositories
      .add({ ...registration, ...change } as Registration)
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConfigError)
    expect(String(error)).not.toContain('s3cret')
    expect(await repositories.list()).toEqual([])
    expect(await vault.names(key)).toEqual([])
  })
})

describe('change', () => {
  it('changes what is given and leaves the rest', async () => {
    await repositories.add({ ...registration, images: ['a'], limits: { running: 2 } })
    const network = { allow: ['*.a.test', 'b.test:8443'], deny: ['c.a.test'], audit: true }
    const next = await repositories.change(key, { limits: { queued: 7 }, lfs: true, network })
    expect(next?.repository).toMatchObject({
      images: ['a'],
      limits: { running: 2, queued: 7, matrix: 100 },
      lfs: true,
    })
    expect(await repositories.get(key)).toMatchObject({ lfs: true, cloneUrl: registration.cloneUrl })
    expect(await repositories.change('gitea:no/ne', {})).toBeUndefined()
  })

  it('makes the secret that signs notifications with the first URL, says it once, and keeps one that is given', async () => {
    const on = ['ended'] as const
    expect((await repositories.add(registration)).notificationSecret).toBeUndefined()
    const first = await repositories.change(key, { notify: [{ url: 'https://a.test/', on }] })
    expect(first?.notificationSecret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(await vault.get(key, 'mayfly:notification')).toBe(first?.notificationSecret)
    const second = await repositories.change(key, { notify: [{ url: 'https://b.test/', on: ['failed'] }] })
    expect(second).toMatchObject({ notificationSecret: undefined, webhookSecret: undefined })
    expect((await repositories.get(key))?.notify).toEqual([{ url: 'https://b.test/', on: ['failed'] }])
    const own = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
    const secrets = { notification: own }
    await repositories.add({
      ...{ ...registration, name: 'owner/other', secrets },
      notify: [{ url: 'https://a.test/', on }],
    })
    expect(await vault.get('gitea:owner/other', 'mayfly:notification')).toBe(own)
  })

  it('refuses a URL with credentials, an event that is none, and a secret that signs nothing', async () => {
    await repositories.add(registration)
    const notify = (target: object) => repositories.change(key, { notify: [target] } as object)
    await expect(notify({ url: 'https://me:hunter2@a.test/' })).rejects.toThrow('without credentials')
    await expect(notify({ url: 'file:///etc/passwd' })).rejects.toThrow('https:// or http://')
    await expect(notify({ url: 'https://a.test/', on: ['finished'] })).rejects.toThrow(
      'expected one of started',
    )
    await expect(notify({ url: 'https://a.test/', on: [] })).rejects.toThrow('at least one event')
    const short = { ...registration, name: 'owner/short', secrets: { notification: 'whsec_c2hvcnQ=' } }
    await expect(repositories.add(short)).rejects.toThrow('whsec_ and base64 of 24 to 64 bytes')
    expect(await vault.names('gitea:owner/short')).toEqual([])
  })

  it('refuses what would have been refused at first', async () => {
    await repositories.add(registration)
    await expect(repositories.change(key, { cloneUrl: 'https://a:b@c/d' })).rejects.toThrow(ConfigError)
    await expect(repositories.change(key, { name: 'x/y' } as object)).rejects.toThrow('unknown key "name"')
  })
})

describe('remove', () => {
  it('forgets the repository and every secret of it', async () => {
    await repositories.add(registration)
    await vault.set(key, 'DEPLOY', 'x')
    await vault.set('host', 'DEPLOY', 'y')
    expect(await repositories.remove(key)).toBe(true)
    expect(await repositories.remove(key)).toBe(false)
    expect(await repositories.get(key)).toBeUndefined()
    expect(await vault.names(key)).toEqual([])
    expect(await vault.names('host')).toEqual(['DEPLOY'])
  })
})

describe('syncHostFile', () => {
  const text = (more = '') =>
    `repositories:\n- { forge: gitea, name: owner/name, clone_url: /srv/a, secret_files: { webhook: hook } }\n${more}`

  it('registers what the host file names, with secrets out of their files', async () => {
    await writeFile(join(folder, 'hook'), 'hook-s3cret\n')
    const host = await fromHostFile(
      text('- { forge: github, name: a/b, clone_url: "https://github.com/a/b" }'),
    )
    const { added, changed, removed } = await host.syncHostFile()
    expect(added.map(({ repository }) => repository.name)).toEqual(['owner/name', 'a/b'])
    expect(added.map(({ webhookSecret }) => typeof webhookSecret)).toEqual(['undefined', 'string'])
    expect([changed, removed]).toEqual([[], []])
    expect(await vault.get(key, 'mayfly:webhook')).toBe('hook-s3cret')
    expect(await host.get(key)).toMatchObject({ from: 'host-file', cloneUrl: '/srv/a' })
  })

  it('does nothing a second time, follows changes, and keeps the time of the first', async () => {
    await writeFile(join(folder, 'hook'), 'one')
    await (await fromHostFile(text())).syncHostFile()
    const nothing = { added: [], changed: [], removed: [], made: [] }
    expect(await (await fromHostFile(text())).syncHostFile()).toEqual(nothing)
    await writeFile(join(folder, 'hook'), 'two')
    const later = await fromHostFile(text().replace('/srv/a', '/srv/b'))
    expect((await later.syncHostFile()).changed).toEqual([key])
    expect(await later.get(key)).toMatchObject({ cloneUrl: '/srv/b', created: now().toISOString() })
    expect(await vault.get(key, 'mayfly:webhook')).toBe('two')
  })

  it('tells of the secret that it made when a URL to notify came into the host file', async () => {
    await writeFile(join(folder, 'hook'), 'one')
    const lone = '- { forge: github, name: a/b, clone_url: "https://github.com/a/b" }'
    expect((await (await fromHostFile(text(lone))).syncHostFile()).made).toMatchObject([
      { repository: { name: 'a/b' }, webhookSecret: expect.any(String), notificationSecret: undefined },
    ])
    const notifying = text().replace(
      'clone_url: /srv/a',
      'clone_url: /srv/a, notify: [{ url: "https://a.test/" }]',
    )
    const { made, changed } = await (await fromHostFile(notifying)).syncHostFile()
    expect(made).toMatchObject([
      { notificationSecret: expect.stringMatching(/^whsec_/), webhookSecret: undefined },
    ])
    expect(changed).toEqual([key])
    expect((await repositories.get(key))?.notify).toEqual([{ url: 'https://a.test/', on: ['ended'] }])
  })

  it('removes what has gone from the host file, and nothing that came over the API', async () => {
    await writeFile(join(folder, 'hook'), 'one')
    await (await fromHostFile(text())).syncHostFile()
    await repositories.add({ ...registration, name: 'other/one' })
    expect((await repositories.syncHostFile()).removed).toEqual([key])
    expect((await repositories.list()).map(({ name }) => name)).toEqual(['other/one'])
    expect(await vault.names(key)).toEqual([])
  })

  it('lets nobody change or remove over the API what the host file says', async () => {
    await writeFile(join(folder, 'hook'), 'one')
    const host = await fromHostFile(text())
    await host.syncHostFile()
    await expect(host.change(key, { lfs: true })).rejects.toThrow('got gitea:owner/name of the host file')
    await expect(host.remove(key)).rejects.toThrow('got gitea:owner/name of the host file')
  })

  it('changes nothing where a secret file is missing', async () => {
    const host = await fromHostFile(text('- { forge: github, name: a/b, clone_url: /srv/b }'))
    await expect(host.syncHostFile()).rejects.toThrow(`expected a secret in ${join(folder, 'hook')}`)
    expect(await host.list()).toEqual([])
  })
})
