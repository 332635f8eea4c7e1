import { createHash, randomBytes } from 'node:crypto'
import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { directorySource } from '../../../runner/source/directory-source.ts'
import { directoryTar } from '../../../runner/source/directory-tar.ts'
import { systemTar, unpack } from './unpack.ts'

let root: string
let directory: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mayfly-source-'))
  directory = join(root, 'tree')
  await mkdir(directory)
})
afterEach(() => rm(root, { recursive: true }))

async function put(path: string, content: string | Buffer = path): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true })
  await writeFile(join(directory, path), content)
}

const git = (...args: string[]) =>
  execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'protocol.file.allow=always', ...args], {
    cwd: directory,
  })

const tar = (options: { limit?: number; signal?: AbortSignal; at?: string } = {}) =>
  directoryTar({
    directory: options.at ?? directory,
    limits: { bytes: options.limit ?? 1e9 },
    signal: options.signal ?? new AbortController().signal,
  })

const names = async (at?: string) => {
  const archive = await tar(at === undefined ? {} : { at })
  const entries = await unpack(archive.stream)
  return { names: entries.map(({ name }) => name), notes: archive.notes }
}

describe('directoryTar', () => {
  it('keeps modes, times, links and every name, and comes out the same with the system tar', async () => {
    const odd = [
      'two\nlines',
      '\u00e4\u4e2d\ud83d\ude00',
      ' blank ',
      '-rf',
      'quote"\'',
      `${'long/'.repeat(60)}name`,
      'n'.repeat(255),
      'empty',
    ]
    for (const name of odd) await put(name, name === 'empty' ? '' : name)
    await put('run.sh', 'x')
    await chmod(join(directory, 'run.sh'), 0o755)
    await chmod(join(directory, 'long'), 0o700)
    await utimes(join(directory, 'run.sh'), 1_000_000_000, 1_000_000_000)
    await symlink('/nowhere/outside', join(directory, 'link'))
    await symlink(`${'up/'.repeat(60)}x`, join(directory, 'long-link'))
    await mkdir(join(directory, 'hollow'))

    const archive = await tar()
    const out = join(root, 'out')
    await mkdir(out)
    await systemTar(archive.stream, out)
    const listed = (at: string) => readdir(at, { recursive: true }).then((found) => found.sort())
    expect(await listed(out)).toEqual(await listed(directory))
    expect(archive.files).toBe((await listed(out)).length)
    for (const name of odd) expect(await readFile(join(out, name), 'utf8')).toBe(name === 'empty' ? '' : name)
    expect((await lstat(join(out, 'run.sh'))).mode & 0o7777).toBe(0o755)
    expect((await lstat(join(out, 'long'))).mode & 0o7777).toBe(0o700)
    expect((await lstat(join(out, 'run.sh'))).mtimeMs).toBe(1_000_000_000_000)
    expect(await readlink(join(out, 'link'))).toBe('/nowhere/outside')
    expect((await readlink(join(out, 'long-link'))).length).toBe(181)
    expect(archive.notes).toEqual([])
  })

  it('is in the order of its paths, each directory before what is in it', async () => {
    for (const path of ['b/x', 'a-b', 'a/z', 'a/b/c', 'Z']) await put(path)
    expect((await names()).names).toEqual(['Z', 'a', 'a-b', 'a/b', 'a/b/c', 'a/z', 'b', 'b/x'])
  })

  it('counts the bytes of files', async () => {
    await put('small', 'x'.repeat(1000))
    await put('large', 'x'.repeat(2_000_000))
    const archive = await tar()
    archive.stream.resume()
    expect(await archive.bytes).toBe(2_001_000)
  })

  it('carries large files unchanged', async () => {
    const content = randomBytes(3_000_001)
    await put('large', content)
    const out = join(root, 'out')
    await mkdir(out)
    await systemTar((await tar()).stream, out)
    expect(
      createHash('sha256')
        .update(await readFile(join(out, 'large')))
        .digest('hex'),
    ).toBe(createHash('sha256').update(content).digest('hex'))
  })

  it('leaves sockets and pipes out, with a note', async () => {
    await put('file')
    await execa('mkfifo', [join(directory, 'pipe')])
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(directory, 'sock'), resolve))
    const found = await names()
    server.close()
    expect(found.names).toEqual(['file'])
    expect(found.notes).toEqual([
      '"pipe" is not uploaded: it is a named pipe',
      '"sock" is not uploaded: it is a socket',
    ])
  })

  it('leaves a name that is not UTF-8 out, with a note', async () => {
    await put('file')
    await writeFile(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0x62, 0xff])]), 'x')
    const found = await names()
    expect(found.names).toEqual(['file'])
    expect(found.notes).toEqual([expect.stringContaining('its name is not UTF-8')])
  })

  it('fails by name beyond the limit', async () => {
    await put('a', 'x'.repeat(600))
    await put('b', 'x'.repeat(600))
    const archive = await tar({ limit: 1024 })
    await expect(unpack(archive.stream)).rejects.toThrow(
      'expected at most 1 KiB to upload, got more: "b" goes beyond it',
    )
    await expect(archive.bytes).rejects.toThrow('"b"')
  })

  it('tells of a failure to a reader who comes after it', async () => {
    await put('a', 'x'.repeat(600))
    const archive = await tar({ limit: 100 })
    await expect(archive.bytes).rejects.toThrow('"a"')
    await expect(unpack(archive.stream)).rejects.toThrow('"a" goes beyond it')
  })

  it('lets go of everything when its reader stops halfway', async () => {
    await put('large', Buffer.alloc(20_000_000))
    const archive = await tar()
    for await (const _chunk of archive.stream) break
    await expect(archive.bytes).rejects.toBeInstanceOf(Error)
  })

  it.each([
    ['grows', (path: string) => appendFile(path, 'more')],
    ['shrinks', (path: string) => truncate(path, 1_500_000)],
  ])('fails by name when a file %s while it is read', async (_how, change) => {
    await put('a-first', Buffer.alloc(9_000_000))
    await put('b-changing', Buffer.alloc(2_000_000))
    const archive = await tar()
    await new Promise((resolve) => setTimeout(resolve, 50))
    await change(join(directory, 'b-changing'))
    await expect(unpack(archive.stream)).rejects.toMatchObject({
      class: 'upload',
      message: expect.stringContaining('"b-changing"'),
    })
  })

  it('passes over a file that has gone since it was listed', async () => {
    for (let i = 0; i < 40; i++) await put(`f${String(i).padStart(2, '0')}`, Buffer.alloc(200_000))
    const archive = await tar()
    await rename(join(directory, 'f39'), join(root, 'f39'))
    expect((await unpack(archive.stream)).map(({ name }) => name)).not.toContain('f39')
  })

  it('fails with a sentence for a directory that is not there', async () => {
    await expect(tar({ at: join(root, 'none') })).rejects.toThrow(/expected to read ".*none", got ENOENT/)
  })

  it('ends with the reason of the signal', async () => {
    await put('large', Buffer.alloc(5_000_000))
    const abort = new AbortController()
    const archive = await tar({ signal: abort.signal })
    abort.abort(new Error('cancelled'))
    await expect(unpack(archive.stream)).rejects.toThrow('cancelled')
    await expect(archive.bytes).rejects.toBeInstanceOf(Error)
    await expect(tar({ signal: abort.signal })).rejects.toThrow('cancelled')
  })
})

describe('.gitignore', () => {
  const tree = async () => {
    await put('.gitignore', '*.o\n/build/\n!keep.o\n')
    await put('sub/.gitignore', '!special.o\nlocal\n')
    for (const path of [
      'a.o',
      'keep.o',
      'build/x',
      'sub/a.o',
      'sub/special.o',
      'sub/local/y',
      'sub/build/z',
      'local',
    ])
      await put(path)
  }
  const expected = [
    '.gitignore',
    'keep.o',
    'local',
    'sub',
    'sub/.gitignore',
    'sub/build',
    'sub/build/z',
    'sub/special.o',
  ]

  it('is respected outside of git, the nested ones too', async () => {
    await tree()
    expect((await names()).names).toEqual(expected)
  })

  it('is respected the same in a git work tree, with the whole of .git', async () => {
    await tree()
    await git('init', '-q')
    const found = await names()
    expect(found.names.filter((name) => !name.startsWith('.git/') && name !== '.git')).toEqual(expected)
    expect(found.names).toContain('.git/HEAD')
    expect(found.names).toContain('.git/objects')
    expect(found.notes).toEqual([])
  })

  it('does not leave out what git tracks, and a checkout of the upload is clean', async () => {
    await put('forced.o', 'x')
    await put('.gitignore', '*.o\n')
    await put('gone', 'x')
    await git('init', '-q')
    await git('add', '-f', '.')
    await git('commit', '-qm', 'one')
    const out = join(root, 'out')
    await mkdir(out)
    await systemTar((await tar()).stream, out)
    const { stdout } = await execa('git', ['status', '--porcelain'], { cwd: out })
    expect(stdout).toBe('')
    await rm(join(directory, 'gone'))
    const found = await names()
    expect(found.names).toContain('forced.o')
    expect(found.names).not.toContain('gone')
  })

  it('holds in a directory below the work tree, whose .git a note speaks of', async () => {
    await put('.gitignore', '*.o\n')
    await put('sub/a.o')
    await put('sub/b.c')
    await git('init', '-q')
    const found = await names(join(directory, 'sub'))
    expect(found.names).toEqual(['b.c'])
    expect(found.notes).toEqual([`.git is not uploaded: it is in ${directory}, above the directory`])
  })

  it('comes with submodules and nested repositories, each with its own .git', async () => {
    await put('file')
    await git('init', '-q')
    await git('add', '.')
    await git('commit', '-qm', 'one')
    const other = join(root, 'other')
    await execa('cp', ['-r', directory, other])
    await git('submodule', 'add', '-q', other, 'module')
    await execa('cp', ['-r', other, join(directory, 'nested')])
    const out = join(root, 'out')
    await mkdir(out)
    const archive = await tar()
    await systemTar(archive.stream, out)
    expect(await readFile(join(out, 'module/file'), 'utf8')).toBe('file')
    expect((await execa('git', ['-C', join(out, 'module'), 'log', '--format=%s'])).stdout).toBe('one')
    expect((await execa('git', ['-C', join(out, 'nested'), 'log', '--format=%s'])).stdout).toBe('one')
    expect(archive.notes).toEqual([])
  })

  it('leaves the .git file of a worktree out, with a note that says why', async () => {
    await put('file')
    await git('init', '-q')
    await git('add', '.')
    await git('commit', '-qm', 'one')
    const worktree = join(root, 'worktree')
    await git('worktree', 'add', '-q', worktree)
    const found = await names(worktree)
    expect(found.names).toEqual(['file'])
    expect(found.notes).toEqual([expect.stringContaining('.git is not uploaded: it names a folder outside')])
  })

  it('is read by ourselves when git will not look, with a note', async () => {
    await put('.gitignore', '*.o\n')
    await put('a.o')
    await put('.git/config', 'no repository')
    const found = await names()
    expect(found.names).toEqual(['.git', '.git/config', '.gitignore'])
    expect(found.notes).toEqual([expect.stringContaining('git gave no list of files')])
  })

  it('does not follow GIT_DIR of a hook that runs us', async () => {
    await put('file')
    await git('init', '-q')
    process.env.GIT_DIR = '/nonexistent'
    try {
      expect((await names()).notes).toEqual([])
    } finally {
      delete process.env.GIT_DIR
    }
  })
})

describe('directorySource', () => {
  it('gives for patterns only what they match, with the directories on the way', async () => {
    for (const path of ['package.json', 'tools/setup.sh', 'tools/deep/x', 'src/a.c', 'ignored.json'])
      await put(path)
    await put('.gitignore', 'ignored.json\n')
    const source = directorySource({ directory, limits: { bytes: 1e6 } })
    const { stream, notes } = await source.files(['./*.json', 'tools/', 'none'], new AbortController().signal)
    expect((await unpack(stream)).map(({ name }) => name)).toEqual([
      'package.json',
      'tools',
      'tools/deep',
      'tools/deep/x',
      'tools/setup.sh',
    ])
    expect(notes).toEqual(['nothing matches "none"'])
  })
})
