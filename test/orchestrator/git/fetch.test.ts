import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError, InfraError } from '../../../config/errors.ts'
import { createMirror } from '../../../orchestrator/git/create-mirror.ts'
import { resolveRef } from '../../../orchestrator/git/resolve-ref.ts'
import { folderSize } from '../../../orchestrator/git/watch-size.ts'
import type { Repository } from '../../../orchestrator/model/repository.ts'
import { type GitServer, startGitServer } from '../git-server.ts'
import { type TestParts, testParts, testRepository } from './mirror-parts.ts'

let server: GitServer
let parts: TestParts
let repository: Repository
let first: string
const signal = new AbortController().signal
const main = 'refs/heads/main'

beforeEach(async () => {
  server = await startGitServer()
  parts = await testParts()
  const made = await server.createRepository('owner/name', { 'a.txt': 'one\n' })
  first = made.sha
  repository = testRepository({ cloneUrl: made.cloneUrl })
})
afterEach(async () => {
  await server.close()
  await parts.remove()
})

async function errorOf(work: Promise<unknown>): Promise<ConfigError | InfraError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof ConfigError || error instanceof InfraError) return error
  throw error ?? new Error('expected an error, got none')
}

describe('fetch', () => {
  it('brings a commit and does not ask again for what is there', async () => {
    const mirror = createMirror(parts)
    await mirror.fetch(repository, { ref: main, sha: first }, signal)
    expect(await mirror.readFile(repository, first, 'a.txt', signal)).toBe('one\n')
    const asked = server.requests.length
    await mirror.fetch(repository, { ref: main, sha: first }, signal)
    expect(server.requests.length).toBe(asked)
  })

  it('brings later commits, pull requests and tags into the same mirror', async () => {
    const mirror = createMirror(parts)
    const second = await server.commit('owner/name', { 'a.txt': 'two\n' })
    const pull = await server.commit(
      'owner/name',
      { 'b.txt': 'b' },
      { ref: 'refs/pull/7/head', parent: second },
    )
    await server.git('owner/name', [
      '-c',
      'user.name=a',
      '-c',
      'user.email=b',
      'tag',
      '-a',
      '-m',
      'x',
      'v1',
      first,
    ])
    const tag = (await server.git('owner/name', ['rev-parse', 'refs/tags/v1'])).trim()
    expect(tag).not.toBe(first)
    await mirror.fetch(repository, { ref: main, sha: second }, signal)
    await mirror.fetch(repository, { ref: 'refs/pull/7/head', sha: pull }, signal)
    await mirror.fetch(repository, { ref: 'refs/tags/v1', sha: tag }, signal)
    expect(await mirror.readFile(repository, second, 'a.txt', signal)).toBe('two\n')
    expect(await mirror.readFile(repository, pull, 'b.txt', signal)).toBe('b')
    expect(await mirror.readFile(repository, tag, 'a.txt', signal)).toBe('one\n')
    expect(await readdir(join(parts.dataFolder, 'mirrors'))).toEqual([
      '.locks',
      '.users',
      'gitea%3Aowner%2Fname.git',
    ])
  })

  it('shares the work of many who want the same commit', async () => {
    const mirror = createMirror(parts)
    const commit = { ref: main, sha: first }
    const fetches = Array.from({ length: 20 }, () =>
      mirror.fetch(repository, commit, new AbortController().signal),
    )
    await Promise.all(fetches)
    expect(server.requests.filter(({ path }) => path.includes('info/refs'))).toHaveLength(1)
  })

  it('lets two processes fetch into one mirror at once', async () => {
    const shas = [first]
    for (let index = 0; index < 5; index++) shas.push(await server.commit('owner/name', { n: `${index}` }))
    const mirrors = [createMirror(parts), createMirror(parts)]
    const fetches = shas.flatMap((sha) =>
      mirrors.map((mirror) => mirror.fetch(repository, { ref: main, sha }, new AbortController().signal)),
    )
    await Promise.all(fetches)
    for (const sha of shas) {
      expect((await mirrors[0]?.commitInfo(repository, sha, signal))?.title).toBe('a commit')
    }
  })

  it('gets a commit by the name that holds it where the server gives none by id', async () => {
    server.mode.oldProtocol = true
    await server.commit('owner/name', { 'a.txt': 'two\n' })
    const mirror = createMirror(parts)
    await mirror.fetch(repository, { ref: main, sha: first }, signal)
    expect(await mirror.readFile(repository, first, 'a.txt', signal)).toBe('one\n')
  })

  it.each([false, true])(
    'says that a commit was force-pushed away (old protocol: %s)',
    async (oldProtocol) => {
      const lost = await server.commit('owner/name', { 'a.txt': 'lost' })
      await server.commit('owner/name', { 'a.txt': 'kept' }, { parent: first })
      await server.git('owner/name', ['gc', '--quiet', '--prune=now'])
      server.mode.oldProtocol = oldProtocol
      const error = await errorOf(createMirror(parts).fetch(repository, { ref: main, sha: lost }, signal))
      expect(error).toBeInstanceOf(ConfigError)
      expect(error.message).toBe(
        `fetching gitea:owner/name: expected commit ${lost.slice(0, 12)} on the server, got refs/heads/main without it`,
      )
      expect(error.hint).toContain('force-pushed away')
    },
  )

  it('says that a branch is gone with its commit', async () => {
    const error = await errorOf(
      createMirror(parts).fetch(repository, { ref: 'refs/heads/gone', sha: 'a'.repeat(40) }, signal),
    )
    expect(error.message).toContain('got neither it nor refs/heads/gone')
  })

  it('keeps a commit that is force-pushed away after it was fetched', async () => {
    const mirror = createMirror(parts)
    const lost = await server.commit('owner/name', { 'a.txt': 'lost' })
    await mirror.fetch(repository, { ref: main, sha: lost }, signal)
    const kept = await server.commit('owner/name', { 'a.txt': 'kept' }, { parent: first })
    await server.git('owner/name', ['gc', '--quiet', '--prune=now'])
    await mirror.fetch(repository, { ref: main, sha: kept }, signal)
    await mirror.fetch(repository, { ref: main, sha: lost }, signal)
    expect(await mirror.readFile(repository, lost, 'a.txt', signal)).toBe('lost')
  })

  it('gives up a server that hangs, and leaves nothing that runs or blocks', async () => {
    await parts.remove()
    parts = await testParts({ ms: 500 })
    const mirror = createMirror(parts)
    server.mode.hang = true
    const error = await errorOf(mirror.fetch(repository, { ref: main, sha: first }, signal))
    expect(error).toBeInstanceOf(InfraError)
    expect(error.message).toBe('fetching gitea:owner/name: expected an end within 0.5 s, got none')
    expect(await gitsTalkingTo(server.url)).toEqual([])
    server.mode.hang = false
    await parts.remove()
    parts = await testParts()
    await createMirror(parts).fetch(repository, { ref: main, sha: first }, signal)
  })

  it('stops at once when it is cancelled, but not for others who still wait', async () => {
    const mirror = createMirror(parts)
    server.mode.hang = true
    const leaving = new AbortController()
    const staying = new AbortController()
    const commit = { ref: main, sha: first }
    const left = mirror.fetch(repository, commit, leaving.signal)
    const stayed = mirror.fetch(repository, commit, staying.signal)
    stayed.catch(() => undefined)
    await expect.poll(() => gitsTalkingTo(server.url), { timeout: 60_000 }).not.toEqual([])
    setTimeout(() => leaving.abort(new Error('cancelled')), 300)
    await expect(left).rejects.toThrow('cancelled')
    expect(await gitsTalkingTo(server.url)).not.toEqual([])
    staying.abort(new Error('cancelled too'))
    await expect(stayed).rejects.toThrow('cancelled too')
    await expect.poll(() => gitsTalkingTo(server.url)).toEqual([])
  })

  it('refuses a repository that is larger than the limit, and the mirror stays of use', async () => {
    await parts.remove()
    parts = await testParts({ bytes: 2 * 1024 ** 2 })
    const mirror = createMirror(parts)
    await mirror.fetch(repository, { ref: main, sha: first }, signal)
    const huge = await server.commit('owner/name', { huge: randomBytes(6 * 1024 ** 2) }, { branch: 'huge' })
    const error = await errorOf(mirror.fetch(repository, { ref: 'refs/heads/huge', sha: huge }, signal))
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toBe('fetching gitea:owner/name: expected at most 2 MiB in its mirror, got more')
    expect(await folderSize(parts.dataFolder)).toBeLessThan(2 * 1024 ** 2)
    await expect(mirror.fetch(repository, { ref: 'refs/heads/huge', sha: huge }, signal)).rejects.toThrow(
      'at most',
    )
    const next = await server.commit('owner/name', { 'a.txt': 'two\n' })
    await mirror.fetch(repository, { ref: main, sha: next }, signal)
    expect(await mirror.readFile(repository, next, 'a.txt', signal)).toBe('two\n')
  })

  it('refuses what is a little too large too, which is there before anybody looks', async () => {
    await parts.remove()
    parts = await testParts({ bytes: 200 * 1024 })
    const mirror = createMirror(parts)
    const large = await server.commit('owner/name', { large: randomBytes(300 * 1024) }, { branch: 'large' })
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(mirror.fetch(repository, { ref: 'refs/heads/large', sha: large }, signal)).rejects.toThrow(
        'expected at most 200 KiB in its mirror, got more',
      )
    }
    await mirror.fetch(repository, { ref: main, sha: first }, signal)
    expect(await mirror.readFile(repository, first, 'a.txt', signal)).toBe('one\n')
  })

  it('gives the token of a private repository, and to nobody else', async () => {
    server.mode.auth = 'mayfly:s3cret-token'
    const mirror = createMirror(parts)
    const commit = { ref: main, sha: first }
    const refused = await errorOf(mirror.fetch(repository, commit, signal))
    expect(refused).toBeInstanceOf(ConfigError)
    expect(refused.message).toContain('expected to be let in')
    expect(refused.hint).toContain('mayfly:clone')
    parts.secrets.set('gitea:owner/name mayfly:clone', 's3cret-token')
    await mirror.fetch(repository, commit, signal)
    expect(await mirror.readFile(repository, first, 'a.txt', signal)).toBe('one\n')
    expect(
      await filesWith(parts.dataFolder, ['s3cret', Buffer.from('mayfly:s3cret-token').toString('base64')]),
    ).toEqual([])
  })

  it('shows a token on no command line', async () => {
    parts.secrets.set('gitea:owner/name mayfly:clone', 's3cret-token')
    server.mode.hang = true
    const ending = new AbortController()
    const fetching = createMirror(parts).fetch(repository, { ref: main, sha: first }, ending.signal)
    fetching.catch(() => undefined)
    await expect.poll(() => server.requests.length).toBe(1)
    const lines = await gitsTalkingTo(server.url)
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.join('\n')).not.toMatch(/s3cret|Basic|extraHeader/)
    expect(server.requests[0]?.headers.authorization).toMatch(/^Basic /)
    ending.abort(new Error('cancelled'))
    await expect(fetching).rejects.toThrow('cancelled')
  })

  it('never has a token in an error, nor follows a redirect with it', async () => {
    const thief = await startGitServer()
    try {
      parts.secrets.set('gitea:owner/name mayfly:clone', 'me:s3cret-token')
      const commit = { ref: main, sha: first }
      for (const mode of [{ auth: 'me:other' }, { status: 500 }, { status: 404 }, { redirect: thief.url }]) {
        Object.assign(server.mode, { auth: undefined, status: undefined, redirect: undefined }, mode)
        const error = await errorOf(createMirror(parts).fetch(repository, commit, signal))
        expect(`${error.message} ${error.hint} ${error.stack} ${error.cause}`).not.toContain('s3cret')
      }
      expect(thief.requests).toEqual([])
    } finally {
      await thief.close()
    }
  })

  it.each([
    [404, ConfigError, 'expected a repository at the clone URL'],
    [500, InfraError, 'expected the server to answer'],
    [429, InfraError, 'expected the server to answer'],
    [302, ConfigError, 'expected the repository at its clone URL'],
  ])('takes the answer %i for what it means', async (status, family, message) => {
    server.mode.status = status
    const error = await errorOf(createMirror(parts).fetch(repository, { ref: main, sha: first }, signal))
    expect(error).toBeInstanceOf(family)
    expect(error.message).toContain(message)
  })

  it('says that nobody listens', async () => {
    const cloneUrl = repository.cloneUrl
    await server.close()
    const error = await errorOf(
      createMirror(parts).fetch({ ...repository, cloneUrl }, { ref: main, sha: first }, signal),
    )
    expect(error).toBeInstanceOf(InfraError)
    expect(error.message).toContain('expected the server to answer')
  })

  it('refuses names that are options, patterns or not whole', async () => {
    const mirror = createMirror(parts)
    const refs = [
      'main',
      '--upload-pack=id',
      'refs/heads/*',
      'refs/heads/a..b',
      'refs/heads/a:b',
      'refs/heads/a\nb',
    ]
    for (const ref of refs) {
      await expect(mirror.fetch(repository, { ref, sha: first }, signal)).rejects.toThrow(ConfigError)
    }
    const shas = ['main', '--all', first.slice(0, 12), first.toUpperCase(), '0'.repeat(40), `${first}^{tree}`]
    for (const sha of shas) {
      await expect(mirror.fetch(repository, { ref: main, sha }, signal)).rejects.toThrow(ConfigError)
    }
    expect(server.requests).toEqual([])
  })

  it('takes a path that an operator registered', async () => {
    const mirror = createMirror(parts)
    const local = { ...repository, cloneUrl: join(server.root, 'owner/name.git') }
    await mirror.fetch(local, { ref: main, sha: first }, signal)
    expect(await mirror.readFile(local, first, 'a.txt', signal)).toBe('one\n')
    expect(server.requests).toEqual([])
  })

  it('refuses objects that a hostile server made up', async () => {
    const blob = (await server.git('owner/name', ['hash-object', '-w', '--stdin'], 'x')).trim()
    const entry = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')])
    const write = ['hash-object', '-t', 'tree', '-w', '--literally', '--stdin']
    const tree = (await server.git('owner/name', write, entry)).trim()
    const commit = `tree ${tree}\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\nx\n`
    const sha = (
      await server.git('owner/name', ['hash-object', '-t', 'commit', '-w', '--stdin'], commit)
    ).trim()
    await server.git('owner/name', ['update-ref', 'refs/heads/evil', sha])
    const error = await errorOf(
      createMirror(parts).fetch(repository, { ref: 'refs/heads/evil', sha }, signal),
    )
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toContain('expected a sound repository')
  })
})

describe('resolveRef', () => {
  it('gives the commit of a branch or an annotated tag now, and undefined for none', async () => {
    const second = await server.commit('owner/name', { 'a.txt': 'two\n' })
    await server.git('owner/name', [
      '-c',
      'user.name=a',
      '-c',
      'user.email=b',
      'tag',
      '-a',
      '-m',
      'x',
      'v1',
      first,
    ])
    const resolve = (ref: string) => resolveRef({ parts, repository, ref, signal })
    expect(await resolve(main)).toBe(second)
    expect(await resolve('refs/tags/v1')).toBe(first)
    expect(await resolve('refs/heads/none')).toBeUndefined()
  })
})

/** Command lines of running processes that name the server. */
async function gitsTalkingTo(url: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (line.includes(url) && line.includes('git')) found.push(line)
  }
  return found
}

async function filesWith(folder: string, words: readonly string[]): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const found: string[] = []
  for (const entry of names.filter((one) => one.isFile())) {
    const content = await readFile(join(entry.parentPath, entry.name), 'latin1')
    if (words.some((word) => content.includes(word))) found.push(entry.name)
  }
  return found
}
