import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { createMirror } from '../../../orchestrator/git/create-mirror.ts'
import { checkoutsFolder, ownerFile } from '../../../orchestrator/git/filenames.ts'
import type { Mirror } from '../../../orchestrator/git/mirror.ts'
import type { Repository } from '../../../orchestrator/model/repository.ts'
import { type GitFiles, type GitServer, startGitServer } from '../git-server.ts'
import { type TestParts, testParts, testRepository } from './mirror-parts.ts'

let server: GitServer
let parts: TestParts
let mirror: Mirror
let outside: string
const signal = new AbortController().signal
const limits = { bytes: 64 * 1024 ** 2 }
const main = 'refs/heads/main'

beforeEach(async () => {
  server = await startGitServer()
  parts = await testParts()
  mirror = createMirror(parts)
  outside = await mkdtemp(join(tmpdir(), 'mayfly-outside-'))
})
afterEach(async () => {
  await server.close()
  await parts.remove()
  await rm(outside, { recursive: true })
})

/** A repository with these files, fetched. */
async function repositoryOf(files: GitFiles, change: Partial<Repository> = {}) {
  const { cloneUrl, sha } = await server.createRepository('owner/name', files)
  const repository = testRepository({ cloneUrl, ...change })
  await mirror.fetch(repository, { ref: main, sha }, signal)
  return { repository, sha }
}

/** The tree as a machine would have it: what is in the tar stream, unpacked by tar. */
async function unpacked(repository: Repository, commit: { ref: string; sha: string }, target: string) {
  await mkdir(target)
  const source = await mirror.source(repository, commit, limits, signal)
  const { stream } = await source.tree(signal)
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  execFileSync('tar', ['-x', '-C', target], { input: Buffer.concat(chunks) })
  await source.release()
}

const git = (folder: string, ...args: string[]) =>
  execFileSync('git', ['-c', `safe.directory=${folder}`, ...args], { cwd: folder, encoding: 'utf8' }).trim()

describe('source', () => {
  it('brings a commit that another host planned, into a mirror that has older ones only', async () => {
    const { repository, sha: first } = await repositoryOf({ version: 'first\n' })
    const sha = await server.commit('owner/name', { version: 'second\n' })
    const target = join(outside, 'second')
    await unpacked(repository, { ref: main, sha }, target)
    expect(await readFile(join(target, 'version'), 'utf8')).toBe('second\n')
    expect(git(target, 'rev-parse', 'HEAD~1')).toBe(first)
  })

  it('gives a working tree of its own, with the branch checked out and a clean status', async () => {
    const { repository, sha } = await repositoryOf({ 'a.txt': 'a', 'bin/run': { executable: '#!/bin/sh' } })
    const target = join(outside, 'job')
    await unpacked(repository, { ref: main, sha }, target)
    expect(await readFile(join(target, 'a.txt'), 'utf8')).toBe('a')
    expect((await lstat(join(target, 'bin/run'))).mode & 0o777).toBe(0o755)
    expect(git(target, 'rev-parse', 'HEAD')).toBe(sha)
    expect(git(target, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe('main')
    expect(git(target, 'status', '--porcelain', '--branch')).toBe('## main...origin/main')
    expect(git(target, 'remote', 'get-url', 'origin')).toBe(repository.cloneUrl)
    expect(git(target, 'fsck', '--strict')).toBe('')
  })

  it('checks out tags and pull requests by their commit', async () => {
    const { repository, sha } = await repositoryOf({ a: '1' })
    await server.git('owner/name', ['tag', 'v1.0', sha])
    const pull = await server.commit('owner/name', { a: '2' }, { ref: 'refs/pull/7/head', parent: sha })
    const commits = [
      { ref: 'refs/tags/v1.0', sha },
      { ref: 'refs/pull/7/head', sha: pull },
    ]
    for (const [index, commit] of commits.entries()) {
      await mirror.fetch(repository, commit, signal)
      const target = join(outside, `job${index}`)
      await unpacked(repository, commit, target)
      expect(git(target, 'rev-parse', 'HEAD')).toBe(commit.sha)
      expect(git(target, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe('HEAD')
    }
    expect(git(join(outside, 'job0'), 'describe', '--tags')).toBe('v1.0')
  })

  it.each(['-x', 'HEAD', 'feature/ü', 'say"#;$(id)', "it's]"])(
    'checks out a branch with the odd name %s',
    async (branch) => {
      const { repository } = await repositoryOf({ a: '1' })
      const sha = await server.commit('owner/name', { a: '2' }, { branch })
      const commit = { ref: `refs/heads/${branch}`, sha }
      await mirror.fetch(repository, commit, signal)
      await unpacked(repository, commit, join(outside, 'job'))
      expect(await readFile(join(outside, 'job', 'a'), 'utf8')).toBe('2')
      expect(git(join(outside, 'job'), 'symbolic-ref', 'HEAD')).toBe(commit.ref)
      expect(git(join(outside, 'job'), 'config', `branch.${branch}.merge`)).toBe(commit.ref)
    },
  )

  it('brings the last 50 commits and the tags on them', async () => {
    const { repository } = await repositoryOf({ n: 'first' })
    let sha = ''
    for (let index = 0; index < 60; index++) {
      sha = await server.commit('owner/name', { n: `${index}` })
      if (index === 40) await server.git('owner/name', ['tag', 'v2.0', sha])
    }
    await mirror.fetch(repository, { ref: main, sha }, signal)
    const target = join(outside, 'job')
    await unpacked(repository, { ref: main, sha }, target)
    expect(git(target, 'rev-list', '--count', 'HEAD')).toBe('50')
    expect(git(target, 'describe', '--tags')).toMatch(/^v2\.0-19-g/)
  })

  it('removes what it put on disk when it is released, and keeps no credential in it before', async () => {
    const { cloneUrl, sha } = await server.createRepository('owner/name', { a: '1' })
    const repository = testRepository({ cloneUrl })
    server.mode.auth = 'mayfly:s3cret-token'
    parts.secrets.set('gitea:owner/name mayfly:clone', 's3cret-token')
    await mirror.fetch(repository, { ref: main, sha }, signal)
    const source = await mirror.source(repository, { ref: main, sha }, limits, signal)
    const encoded = Buffer.from('mayfly:s3cret-token').toString('base64')
    const { stream } = await source.tree(signal)
    const names: string[] = []
    const unpack = extract()
    unpack.on('entry', (header, content, next) => {
      names.push(header.name)
      const chunks: Buffer[] = []
      content.on('data', (chunk) => chunks.push(chunk as Buffer))
      content.on('end', () => {
        const text = Buffer.concat(chunks).toString('latin1')
        expect(text).not.toContain('s3cret')
        expect(text).not.toContain(encoded)
        expect(text).not.toContain(parts.dataFolder)
        next()
      })
    })
    await pipeline(stream, unpack)
    expect(names).toContain('.git/config')
    await source.release()
    await source.release()
    expect(await readdir(checkoutsFolder(parts.dataFolder))).toEqual([])
  })

  it('gives the files that setup names', async () => {
    const { repository, sha } = await repositoryOf({ 'a.lock': '1', 'b.txt': '2' })
    const source = await mirror.source(repository, { ref: main, sha }, limits, signal)
    const { stream } = await source.files(['*.lock'], signal)
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    const listed = execFileSync('tar', ['-t'], { input: Buffer.concat(chunks), encoding: 'utf8' })
    expect(listed.trim()).toBe('a.lock')
    await source.release()
  })

  it('removes trees of processes that died', async () => {
    const { repository, sha } = await repositoryOf({ a: '1' })
    const dead = join(checkoutsFolder(parts.dataFolder), 'dead')
    await mkdir(dead, { recursive: true })
    await writeFile(ownerFile(dead), JSON.stringify({ pid: 1, startTime: 1 }))
    const alive = await mirror.source(repository, { ref: main, sha }, limits, signal)
    const other = await mirror.source(repository, { ref: main, sha }, limits, signal)
    expect(await readdir(checkoutsFolder(parts.dataFolder))).toHaveLength(2)
    await alive.release()
    await other.release()
  })

  it('refuses a tree that is larger than may be uploaded, before it is on disk', async () => {
    const { repository, sha } = await repositoryOf({ big: 'x'.repeat(3_000_000) })
    const made = mirror.source(repository, { ref: main, sha }, { bytes: 2 * 1024 ** 2 }, signal)
    await expect(made).rejects.toThrow('reading gitea:owner/name: expected at most 2 MiB to upload, got more')
    expect(existsSync(checkoutsFolder(parts.dataFolder))).toBe(false)
  })

  it('refuses a few trees that stand for billions of files', async () => {
    const { repository } = await repositoryOf({ a: '1' })
    let tree = (await server.git('owner/name', ['rev-parse', 'main:a'])).trim()
    let kind = '100644 blob'
    for (let level = 0; level < 10; level++) {
      const entries = Array.from({ length: 10 }, (_, index) => `${kind} ${tree}\tn${index}\n`).join('')
      tree = (await server.git('owner/name', ['mktree'], entries)).trim()
      kind = '040000 tree'
    }
    const text = `tree ${tree}\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\nbomb\n`
    const bomb = (
      await server.git('owner/name', ['hash-object', '-t', 'commit', '-w', '--stdin'], text)
    ).trim()
    await server.git('owner/name', ['update-ref', 'refs/heads/bomb', bomb])
    const commit = { ref: 'refs/heads/bomb', sha: bomb }
    await mirror.fetch(repository, commit, signal)
    await expect(mirror.source(repository, commit, limits, signal)).rejects.toThrow(
      /expected at most 1000000 files, got more/,
    )
  })

  it('writes nowhere but into its own folder, whatever a commit holds', async () => {
    const { repository } = await repositoryOf({ a: '1' })
    const victim = join(outside, 'victim')
    await mkdir(victim)
    const files: GitFiles = {
      absolute: { link: victim },
      up: { link: '../../../../..' },
      'new\nline': 'x',
      '-rf': 'x',
      '\u001b[2J': 'x',
      CASE: 'x',
      case: 'y',
      '.gitattributes': '* filter=evil diff=evil merge=evil text eol=lf\n',
      '.gitconfig': `[core]\n\thooksPath = ${outside}\n`,
      '.githooks/post-checkout': { executable: `#!/bin/sh\ntouch ${victim}/hook\n` },
    }
    const sha = await server.commit('owner/name', files)
    await mirror.fetch(repository, { ref: main, sha }, signal)
    await unpacked(repository, { ref: main, sha }, join(outside, 'job'))
    expect(await readdir(victim)).toEqual([])
    expect(await readlink(join(outside, 'job', 'absolute'))).toBe(victim)
    expect((await readdir(join(outside, 'job'))).sort()).toEqual(
      ['.git', 'a', ...Object.keys(files)].map((name) => name.split('/')[0]).sort(),
    )
  })

  it.each(['.git', '.GIT', '.git ', 'git~1', '.g\u200cit', '..'])(
    'refuses a tree with %j in it',
    async (name) => {
      const { repository, sha } = await repositoryOf({ a: '1' })
      const blob = (await server.git('owner/name', ['rev-parse', `${sha}:a`])).trim()
      const entry = Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')])
      const write = ['hash-object', '-t', 'tree', '-w', '--literally', '--stdin']
      const tree = (await server.git('owner/name', write, entry)).trim()
      const text = `tree ${tree}\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\nx\n`
      const evil = (
        await server.git('owner/name', ['hash-object', '-t', 'commit', '-w', '--stdin'], text)
      ).trim()
      await server.git('owner/name', ['update-ref', 'refs/heads/evil', evil])
      const commit = { ref: 'refs/heads/evil', sha: evil }
      const made = mirror
        .fetch(repository, commit, signal)
        .then(() => mirror.source(repository, commit, limits, signal))
      await expect(made).rejects.toThrow()
      expect(await readdir(checkoutsFolder(parts.dataFolder)).catch(() => [])).toEqual([])
    },
  )

  it('runs no hook and heeds no configuration of the user that Mayfly runs as', async () => {
    const home = join(outside, 'home')
    await mkdir(join(home, 'hooks'), { recursive: true })
    await writeFile(join(home, 'hooks', 'post-checkout'), `#!/bin/sh\ntouch ${outside}/hook\n`)
    await chmod(join(home, 'hooks', 'post-checkout'), 0o755)
    await writeFile(
      join(home, '.gitconfig'),
      `[core]\n\thooksPath = ${home}/hooks\n[url "/nowhere"]\n\tinsteadOf = http://127.0.0.1\n`,
    )
    const own = { HOME: process.env.HOME, GIT_DIR: process.env.GIT_DIR }
    Object.assign(process.env, { HOME: home, GIT_DIR: '/nowhere' })
    try {
      const { repository, sha } = await repositoryOf({ a: '1' })
      await (await mirror.source(repository, { ref: main, sha }, limits, signal)).release()
    } finally {
      process.env.HOME = own.HOME
      delete process.env.GIT_DIR
    }
    expect(existsSync(join(outside, 'hook'))).toBe(false)
  })
})

describe('source with submodules', () => {
  const gitmodules = (url: string) => `[submodule "sub"]\n\tpath = sub\n\turl = ${url}\n`

  /** A commit whose `sub` is a submodule at `url`. */
  async function withSubmodule(url: string, sub: string, change: Partial<Repository> = {}) {
    const { repository } = await repositoryOf({ a: '1' }, { submodules: true, ...change })
    await server.commit('owner/name', { '.gitmodules': gitmodules(url) })
    const tree = await server.git('owner/name', ['ls-tree', 'main'])
    const next = (
      await server.git('owner/name', ['mktree', '--missing'], `${tree}160000 commit ${sub}\tsub\n`)
    ).trim()
    const identity = ['-c', 'user.name=a', '-c', 'user.email=b']
    const sha = (
      await server.git('owner/name', [...identity, 'commit-tree', '-p', 'main', '-m', 'sub', next])
    ).trim()
    await server.git('owner/name', ['update-ref', 'refs/heads/main', sha])
    await mirror.fetch(repository, { ref: main, sha }, signal)
    return { repository, commit: { ref: main, sha } }
  }

  it('fetches them where the repository asks for it, and leaves them empty where not', async () => {
    const sub = await server.createRepository('owner/sub', { inner: 'in' })
    const { repository, commit } = await withSubmodule('../sub.git', sub.sha)
    await unpacked(repository, commit, join(outside, 'job'))
    expect(await readFile(join(outside, 'job', 'sub', 'inner'), 'utf8')).toBe('in')
    expect(git(join(outside, 'job', 'sub'), 'rev-parse', 'HEAD')).toBe(sub.sha)
    await unpacked({ ...repository, submodules: false }, commit, join(outside, 'without'))
    expect(await readdir(join(outside, 'without', 'sub'))).toEqual([])
  })

  it('does not give them the token of the repository', async () => {
    const sub = await server.createRepository('owner/sub', { inner: 'in' })
    const { repository, commit } = await withSubmodule('../sub.git', sub.sha)
    parts.secrets.set('gitea:owner/name mayfly:clone', 's3cret-token')
    const asked = server.requests.length
    await (await mirror.source(repository, commit, limits, signal)).release()
    const requests = server.requests.slice(asked)
    expect(requests.some(({ path }) => path.startsWith('/owner/sub.git'))).toBe(true)
    expect(requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
  })

  it('reaches no other server on this host or its network', async () => {
    const inner = await startGitServer()
    try {
      const { cloneUrl, sha } = await inner.createRepository('secret/plans', { plans: 'x' })
      const { repository, commit } = await withSubmodule(cloneUrl, sha)
      await expect(mirror.source(repository, commit, limits, signal)).rejects.toThrow(
        /submodules: expected to be let in, got .* 403/,
      )
      expect(inner.requests).toEqual([])
    } finally {
      await inner.close()
    }
  })

  it.each([
    '/',
    'file:///',
    'ext::sh -c id',
    'ssh://git@127.0.0.1/',
    'ssh://-oProxyCommand=id/',
    '-u./',
    '--upload-pack=touch x;',
    'fd::17/',
  ])('refuses a submodule at %s', async (prefix) => {
    const secret = await server.createRepository('secret/plans', { plans: 'x' })
    const path = join(server.root, 'secret/plans.git').slice(1)
    const made = withSubmodule(`${prefix}${path}`, secret.sha).then(({ repository, commit }) =>
      mirror.source(repository, commit, limits, signal),
    )
    await expect(made).rejects.toThrow(ConfigError)
    expect(await readdir(checkoutsFolder(parts.dataFolder)).catch(() => [])).toEqual([])
  })
})

describe('source with git-lfs', () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 5\n`
  const files: GitFiles = { '.gitattributes': '*.bin filter=lfs\n', 'a.bin': pointer }

  /** git-lfs is on no test host for sure: a program of that name that says how it was called stands for it. */
  async function withProgram(script: string | undefined, work: () => Promise<void>): Promise<void> {
    const folder = join(outside, 'bin')
    await mkdir(folder)
    const own = process.env.PATH
    for (const name of ['git', 'setpriv', 'sh', 'touch', 'env', 'mkdir']) {
      const path = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
      await writeFile(join(folder, name), `#!/bin/sh\nexec ${path} "$@"\n`, { mode: 0o755 })
    }
    if (script !== undefined)
      await writeFile(join(folder, 'git-lfs'), `#!/bin/sh\n${script}`, { mode: 0o755 })
    process.env.PATH = folder
    try {
      await work()
    } finally {
      process.env.PATH = own
    }
  }

  it('leaves pointers where the repository does not ask for it', async () => {
    const { repository, sha } = await repositoryOf(files)
    await unpacked(repository, { ref: main, sha }, join(outside, 'job'))
    expect(await readFile(join(outside, 'job', 'a.bin'), 'utf8')).toBe(pointer)
  })

  it('says that git-lfs is missing', async () => {
    const { repository, sha } = await repositoryOf(files, { lfs: true })
    await withProgram(undefined, async () => {
      await expect(mirror.source(repository, { ref: main, sha }, limits, signal)).rejects.toThrow(
        'expected the program git-lfs on this host, got none',
      )
    })
    expect(await readdir(checkoutsFolder(parts.dataFolder))).toEqual([])
  })

  it("pulls from the repository's own server, whatever the commit says, and uploads no second copy", async () => {
    const { repository, sha } = await repositoryOf(
      { ...files, '.lfsconfig': '[lfs]\n\turl = http://169.254.169.254/\n' },
      { lfs: true },
    )
    parts.secrets.set('gitea:owner/name mayfly:clone', 's3cret-token')
    const script = `
if [ "$1" = pull ]; then
  mkdir -p .git/lfs/objects
  git config lfs.url > '${outside}/url'
  git config --get-urlmatch http.extraHeader "$(git config lfs.url)/objects/batch" > '${outside}/header'
  printf real > a.bin
fi
`
    await withProgram(script, async () => {
      const source = await mirror.source(repository, { ref: main, sha }, limits, signal)
      const [id = ''] = await readdir(checkoutsFolder(parts.dataFolder))
      const tree = join(checkoutsFolder(parts.dataFolder), id, 'tree')
      expect(await readFile(join(tree, 'a.bin'), 'utf8')).toBe('real')
      expect(existsSync(join(tree, '.git', 'lfs'))).toBe(false)
      await source.release()
    })
    expect(await readFile(join(outside, 'url'), 'utf8')).toBe(`${repository.cloneUrl}/info/lfs\n`)
    const encoded = Buffer.from('mayfly:s3cret-token').toString('base64')
    expect(await readFile(join(outside, 'header'), 'utf8')).toBe(`Authorization: Basic ${encoded}\n`)
  })
})
