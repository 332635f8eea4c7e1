import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { expect, it, onTestFinished, vi } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { type PackedFolder, packFolder } from '../../../orchestrator/client/pack-folder.ts'
import { directoryTar } from '../../../runner/source/directory-tar.ts'

const signal = new AbortController().signal
const usual = {
  ref: 'refs/heads/main',
  title: 'a folder',
  author: 'Ann',
  extra: undefined,
  bytes: 2 ** 24,
  signal,
}

/** A folder with these files, removed with the test. */
async function aFolder(files: Record<string, string | Buffer>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-pack-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return folder
}

const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=b', ...args], { cwd, encoding: 'utf8' }).trim()

/** What a clone of the bundle has in its tree. */
async function unpacked({ file }: PackedFolder): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-unpack-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  git(folder, 'clone', '--quiet', '-b', 'main', file, 'tree')
  return join(folder, 'tree')
}

async function pack(directory: string | undefined, change: Partial<Parameters<typeof packFolder>[0]> = {}) {
  const packed = await packFolder({ ...usual, directory, ...change })
  onTestFinished(() => packed.remove())
  return packed
}

/** Files and links that `mayfly run` uploads, without `.git`. */
async function uploaded(directory: string): Promise<string[]> {
  const { stream } = await directoryTar({ directory, limits: { bytes: 2 ** 24 }, signal })
  const paths: string[] = []
  const unpack = extract()
  unpack.on('entry', ({ name, type }, content, next) => {
    if (type !== 'directory') paths.push(name)
    content.resume().on('end', next)
  })
  await pipeline(stream, unpack)
  return paths.filter((path) => !path.startsWith('.git/')).sort()
}

const awkward = {
  'plain.txt': 'one\n',
  'a b/"quoted" \\ back.txt': 'two',
  'ünïcode/日本.txt': 'three',
  '-rf': '',
  '.gitignore': '*.log\nbuild/\n',
  'left.log': 'no',
  'build/out.o': 'no',
  'binary.bin': Buffer.from([0, 1, 2, 255, 10, 0]),
  'large.bin': Buffer.alloc(700_000, 'x'),
}

it.each([true, false])(
  'sends exactly what mayfly run would upload, in a git repository: %s',
  async (isRepository) => {
    const folder = await aFolder(awkward)
    await symlink('plain.txt', join(folder, 'link'))
    await symlink('/etc/passwd', join(folder, 'out'))
    await chmod(join(folder, '-rf'), 0o755)
    if (isRepository) {
      git(folder, 'init', '--quiet')
      git(folder, 'add', 'plain.txt')
      git(folder, 'commit', '--quiet', '-m', 'the first')
      await writeFile(join(folder, 'plain.txt'), 'changed since\n')
    }
    const packed = await pack(folder)
    const tree = await unpacked(packed)
    const found = git(tree, 'ls-files', '-z').split('\0').filter(Boolean).sort()
    expect(found).toEqual(await uploaded(folder))
    expect(found).not.toContain('left.log')
    for (const path of found.filter((path) => path !== 'out'))
      expect(await readFile(join(tree, path))).toEqual(await readFile(join(folder, path)))
    expect(
      git(tree, 'ls-files', '-s', '--', '-rf', 'link', 'out')
        .split('\n')
        .map((line) => line.slice(0, 6)),
    ).toEqual(['100755', '120000', '120000'])
    expect(git(tree, 'log', '--format=%P|%an|%s')).toBe('|Ann|a folder')
  },
)

it('leaves the repository that it packs as it is: index, refs, hooks and objects', async () => {
  const folder = await aFolder({ 'a.txt': '1' })
  git(folder, 'init', '--quiet')
  git(folder, 'add', '.')
  git(folder, 'commit', '--quiet', '-m', 'the first')
  await writeFile(join(folder, '.git', 'hooks', 'post-commit'), `#!/bin/sh\ntouch '${folder}/hooked'\n`, {
    mode: 0o755,
  })
  await writeFile(join(folder, 'b.txt'), '2')
  const before = [
    git(folder, 'for-each-ref'),
    git(folder, 'count-objects', '-v'),
    git(folder, 'status', '-s'),
  ]
  await pack(folder)
  expect([
    git(folder, 'for-each-ref'),
    git(folder, 'count-objects', '-v'),
    git(folder, 'status', '-s'),
  ]).toEqual(before)
  expect(existsSync(join(folder, 'hooked'))).toBe(false)
})

it('takes the files of a repository within the folder, and no .git of any kind', async () => {
  const folder = await aFolder({ 'a.txt': '1', 'inner/b.txt': '2' })
  git(folder, 'init', '--quiet')
  git(join(folder, 'inner'), 'init', '--quiet')
  const tree = await unpacked(await pack(folder))
  expect(git(tree, 'ls-files').split('\n')).toEqual(['a.txt', 'inner/b.txt'])
})

it('sends a pipeline file alone, and one that .gitignore excludes', async () => {
  const alone = await unpacked(await pack(undefined, { extra: { path: 'ci.yml', content: 'steps: []\n' } }))
  expect(git(alone, 'ls-files')).toBe('ci.yml')
  const folder = await aFolder({ '.gitignore': 'ci.yml\n', 'ci.yml': 'x' })
  expect(git(await unpacked(await pack(folder)), 'ls-files')).toBe('.gitignore')
  const always = await unpacked(await pack(folder, { always: 'ci.yml' }))
  expect(git(always, 'ls-files').split('\n')).toEqual(['.gitignore', 'ci.yml'])
})

it('does not put another file in the place of one of the folder', async () => {
  const folder = await aFolder({ 'ci.yml': 'theirs' })
  const packing = packFolder({ ...usual, directory: folder, extra: { path: 'ci.yml', content: 'another' } })
  await expect(packing).rejects.toThrow(
    'expected no ci.yml in the folder, for the pipeline file outside of it goes there',
  )
})

it('refuses more than may be sent, before and after it is packed, and leaves nothing in the temporary folder', async () => {
  const place = await aFolder({})
  vi.stubEnv('TMPDIR', place)
  onTestFinished(() => void vi.unstubAllEnvs())
  const folder = await aFolder({ 'a.bin': Buffer.alloc(400_000), 'b.bin': Buffer.alloc(400_000) })
  const packing = packFolder({ ...usual, directory: folder, bytes: 600_000 })
  await expect(packing).rejects.toBeInstanceOf(ConfigError)
  await expect(packing).rejects.toThrow(/expected at most .* to upload, got more: "b.bin"/)
  const tiny = packFolder({ ...usual, directory: await aFolder({ a: '' }), bytes: 50 })
  await expect(tiny).rejects.toThrow(/expected at most 50 .* to submit, got/)
  expect(await readdir(place)).toEqual([
    expect.stringContaining('mayfly-pack-'),
    expect.stringContaining('mayfly-pack-'),
  ])
})

it('stops when it is told to', async () => {
  const stop = new AbortController()
  const folder = await aFolder(Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`f${at}`, 'x'])))
  const packing = packFolder({ ...usual, directory: folder, signal: stop.signal })
  stop.abort(new Error('no longer wanted'))
  await expect(packing).rejects.toThrow('no longer wanted')
})
