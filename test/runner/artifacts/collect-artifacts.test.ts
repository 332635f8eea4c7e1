import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { execa } from 'execa'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import type { CollectOptions } from '../../../runner/artifacts/collect-artifacts.ts'
import { collectArtifacts } from '../../../runner/artifacts/collect-artifacts.ts'
import type { RemoteEntry, RemoteFiles } from '../../../runner/machine/machine.ts'
import { localFiles } from './local-files.ts'

let root: string
let workdir: string
let destination: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mayfly-artifacts-'))
  workdir = join(root, 'work')
  destination = join(root, 'kept')
  await mkdir(workdir)
})
afterEach(() => rm(root, { recursive: true }))

async function put(path: string, content = path): Promise<void> {
  await mkdir(dirname(join(workdir, path)), { recursive: true })
  await writeFile(join(workdir, path), content)
}

function collect(patterns: string[], options: Partial<CollectOptions> = {}) {
  return collectArtifacts({
    files: localFiles(),
    workdir,
    artifacts: patterns.map((path) => ({ path, when: 'success' as const })),
    outcome: 'success',
    destination,
    limits: { bytes: 1_000_000, count: 100 },
    signal: new AbortController().signal,
    ...options,
  })
}

const kept = async () => {
  const entries = await readdir(destination, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(destination.length + 1))
    .sort()
}

const expected: [string, string[]][] = [
  ['build/*.tar.gz', ['build/a.tar.gz', 'build/b.tar.gz']],
  ['build', ['build/.hidden', 'build/a.tar.gz', 'build/b.tar.gz', 'build/deep/er/c.tar.gz']],
  ['build/', ['build/.hidden', 'build/a.tar.gz', 'build/b.tar.gz', 'build/deep/er/c.tar.gz']],
  ['./build/a.tar.gz', ['build/a.tar.gz']],
  ['build/**/*.tar.gz', ['build/a.tar.gz', 'build/b.tar.gz', 'build/deep/er/c.tar.gz']],
  ['**/c.*', ['build/deep/er/c.tar.gz']],
  ['*/{a,b}.tar.gz', ['build/a.tar.gz', 'build/b.tar.gz']],
  ['{build/deep,none}/**', ['build/deep/er/c.tar.gz']],
  ['build/?.tar.gz', ['build/a.tar.gz', 'build/b.tar.gz']],
  ['build/[b-z].tar.gz', ['build/b.tar.gz']],
  ['build/.*', ['build/.hidden']],
  ['*.txt', ['two\nlines \u00e9.txt']],
]

describe('collectArtifacts', () => {
  it.each(expected)('fetches for %j what a person expects', async (pattern, paths) => {
    for (const path of [
      'build/a.tar.gz',
      'build/b.tar.gz',
      'build/deep/er/c.tar.gz',
      'build/.hidden',
      'two\nlines \u00e9.txt',
    ])
      await put(path)
    const { artifacts, problems } = await collect([pattern])
    expect(artifacts.map(({ path }) => path).sort()).toEqual(paths)
    expect(problems).toEqual([])
    expect(await kept()).toEqual(paths)
    for (const path of paths) expect(await readFile(join(destination, path), 'utf8')).toBe(path)
  })

  it('keeps the executable bit and no other mode', async () => {
    await put('run.sh')
    await put('data')
    await chmod(join(workdir, 'run.sh'), 0o4711)
    await chmod(join(workdir, 'data'), 0o600)
    const { artifacts } = await collect(['run.sh', 'data'])
    expect(artifacts).toEqual([
      { path: 'run.sh', bytes: 6, mode: 0o755 },
      { path: 'data', bytes: 4, mode: 0o644 },
    ])
    expect((await stat(join(destination, 'run.sh'))).mode & 0o7777).toBe(0o755)
    expect((await stat(join(destination, 'data'))).mode & 0o7777).toBe(0o644)
  })

  it('fetches what belongs to the outcome', async () => {
    for (const path of ['always', 'success', 'failure']) await put(path)
    const artifacts = (['always', 'success', 'failure'] as const).map((when) => ({ path: when, when }))
    await collect([], { artifacts, outcome: 'failure' })
    expect(await kept()).toEqual(['always', 'failure'])
  })

  it('fetches a file that two patterns match once and tells of it once', async () => {
    await put('a.txt')
    const told: string[] = []
    await collect(['a.txt', '*.txt'], { onArtifact: ({ path }) => told.push(path) })
    expect(told).toEqual(['a.txt'])
  })

  it('notes a pattern that matches nothing and fetches the others', async () => {
    await put('a.txt')
    const { artifacts, problems } = await collect(['none/*.xml', 'gone', 'a.txt'])
    expect(artifacts).toHaveLength(1)
    expect(problems.map(({ kind, path }) => [kind, path])).toEqual([
      ['no-match', 'none/*.xml'],
      ['no-match', 'gone'],
    ])
  })

  it.each(['/etc/passwd', '../x', 'a/../../x', 'a/{..,b}/x', 'nul\0', '', '*a*b*c*d', '**/**/**/**/**'])(
    'refuses the pattern %j',
    async (pattern) => {
      const { artifacts, problems } = await collect([pattern])
      expect(artifacts).toEqual([])
      expect(problems).toMatchObject([{ kind: 'refused', path: pattern }])
    },
  )

  it('follows a link to a file inside the working directory', async () => {
    await put('real.txt', 'content')
    await symlink('real.txt', join(workdir, 'link.txt'))
    const { artifacts } = await collect(['link.txt'])
    expect(artifacts).toMatchObject([{ path: 'link.txt', bytes: 7 }])
    expect((await stat(join(destination, 'link.txt'))).isFile()).toBe(true)
  })

  it('refuses by name a link that leaves the working directory', async () => {
    await writeFile(join(root, 'secret'), 's')
    await symlink('../secret', join(workdir, 'link.txt'))
    await symlink('nowhere', join(workdir, 'dangling.txt'))
    const { artifacts, problems } = await collect(['*.txt'])
    expect(artifacts).toEqual([])
    expect(problems.map(({ kind, path }) => [kind, path])).toEqual([
      ['unreadable', 'dangling.txt'],
      ['refused', 'link.txt'],
    ])
  })

  it('enters no directory that is a link', async () => {
    await put('real/file')
    await symlink('real', join(workdir, 'loop'))
    await symlink('..', join(workdir, 'real/up'))
    expect((await collect(['**/file'])).artifacts.map(({ path }) => path)).toEqual(['real/file'])
    for (const pattern of ['loop/*', 'loop/file', 'loop']) {
      expect((await collect([pattern])).problems).toMatchObject([{ kind: 'refused', path: 'loop' }])
    }
  })

  it('refuses a pipe instead of waiting on it', async () => {
    await execa('mkfifo', [join(workdir, 'pipe')])
    expect((await collect(['pipe'])).problems).toMatchObject([{ kind: 'refused', path: 'pipe' }])
  })

  it('reads a file of a terabyte of holes to the limit alone', async () => {
    await put('bomb', '')
    await truncate(join(workdir, 'bomb'), 2 ** 40)
    await expect(collect(['bomb'])).rejects.toMatchObject({ class: 'collect' })
    expect(await kept()).toEqual([])
  })

  it('refuses a device by name, and reads nothing of it', async () => {
    const files = { ...localFiles(), stat: async () => entry }
    const entry: RemoteEntry = { name: 'zero', kind: 'other', size: 0, mode: 0o666 }
    expect((await collect(['zero'], { files })).problems).toMatchObject([
      { kind: 'refused', path: 'zero', reason: 'expected a file, got a device, pipe or socket' },
    ])
  })

  it('stops at the limit of bytes, names it and leaves no part of the file beyond it', async () => {
    await put('a', 'x'.repeat(600))
    await put('b', 'x'.repeat(600))
    await expect(collect(['a', 'b'], { limits: { bytes: 1024, count: 9 } })).rejects.toMatchObject({
      class: 'collect',
      message: expect.stringContaining('at most 1 KiB of artifacts, got more: "b"'),
    })
    expect(await kept()).toEqual(['a'])
  })

  it('stops at the limit of files and names it', async () => {
    for (const path of ['a', 'b', 'c']) await put(path)
    await expect(collect(['*'], { limits: { bytes: 1000, count: 2 } })).rejects.toThrow(
      /at most 2 artifacts.*"c"/,
    )
    expect(await kept()).toEqual(['a', 'b'])
  })

  it('overwrites nothing and follows no link in the destination', async () => {
    await put('a')
    await put('dir/b')
    await put('c')
    await mkdir(destination)
    await writeFile(join(destination, 'c'), 'old')
    await symlink(join(root, 'outside'), join(destination, 'a'))
    await symlink(root, join(destination, 'dir'))
    const { artifacts, problems } = await collect(['**'])
    expect(artifacts).toEqual([])
    expect(problems.map(({ path }) => path).sort()).toEqual(['a', 'c', 'dir/b'])
    expect((await readdir(root)).sort()).toEqual(['kept', 'work'])
    expect(await readFile(join(destination, 'c'), 'utf8')).toBe('old')
  })

  it('ends with the reason of the signal and leaves no half file', async () => {
    const abort = new AbortController()
    const files = lying({
      entries: [file('big')],
      read: () =>
        Readable.from(
          (async function* () {
            yield Buffer.from('first')
            abort.abort(new Error('cancelled by ada'))
            yield Buffer.from('second')
          })(),
        ),
    })
    await expect(collect(['*'], { files, signal: abort.signal })).rejects.toThrow('cancelled by ada')
    expect(await kept()).toEqual([])
  })

  it('passes on that the machine is lost, but notes a file that it may not read', async () => {
    const refuse = (error: Error) =>
      lying({
        entries: [file('a')],
        read: () =>
          new Readable({
            read() {
              this.destroy(error)
            },
          }),
      })
    await expect(collect(['*'], { files: refuse(new InfraError('ssh-lost', 'gone')) })).rejects.toThrow(
      'gone',
    )
    const { problems } = await collect(['*'], { files: refuse(new Error('Permission denied')) })
    expect(problems).toEqual([{ kind: 'unreadable', path: 'a', reason: 'Permission denied' }])
    expect(await kept()).toEqual([])
  })
})

describe('a lying SFTP server', () => {
  it('cannot write outside the destination with any names', async () => {
    const name = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '../../escape',
        '/etc/escape',
        'a/b',
        'nul\0',
        '',
        'ok',
        '...',
        '..\\x',
        '-rf',
        'x'.repeat(300),
      ),
      fc.string({ unit: fc.constantFrom('.', '/', 'a', '\0', '\n', '\\') }),
    )
    const entry = fc.record({
      name,
      kind: fc.constantFrom('file', 'directory', 'link', 'other'),
      size: fc.nat(),
      mode: fc.nat(0o7777),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 8 }), name, async (entries, target) => {
        await rm(destination, { recursive: true, force: true })
        const files = lying({ entries: entries as RemoteEntry[], realpath: target })
        await collect(['**'], { files, workdir: '/work' }).catch((error: unknown) =>
          expect(error).toBeInstanceOf(InfraError),
        )
        expect((await readdir(root)).sort()).toEqual(['kept', 'work'])
        for (const path of await kept())
          expect(path.split('/').every((part) => part !== '..' && part !== '')).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('cannot send more than the limit, whatever size it says', async () => {
    const endless = () =>
      Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(65536)
        })(),
      )
    const files = lying({ entries: [{ ...file('small'), size: 1 }], read: endless })
    await expect(collect(['*'], { files })).rejects.toMatchObject({ class: 'collect' })
    expect(await kept()).toEqual([])
  })

  it('gets the bytes counted that came, not those it announced', async () => {
    const files = lying({
      entries: [{ ...file('a'), size: 10 ** 15 }],
      read: () => Readable.from([Buffer.from('abc')]),
    })
    expect((await collect(['*'], { files })).artifacts).toMatchObject([{ bytes: 3 }])
  })

  it('cannot keep us listing for ever, neither deep nor wide', async () => {
    const deep = lying({ entries: [{ ...file('d'), kind: 'directory' }], nested: true })
    expect((await collect(['**'], { files: deep })).artifacts).toEqual([])
    const wide = lying({
      entries: Array.from({ length: 100_001 }, (_, i) => ({ ...file(`${i}`), kind: 'other' as const })),
    })
    await expect(collect(['*.txt'], { files: wide })).rejects.toMatchObject({ class: 'collect' })
  })

  it('cannot make one name a file and a directory', async () => {
    const files = lying({
      entries: [file('x'), { ...file('x'), kind: 'directory' }, file('y')],
      nested: true,
    })
    const { artifacts, problems } = await collect(['**'], { files })
    expect(artifacts.map(({ path }) => path)).toContain('y')
    expect(problems.length).toBeGreaterThan(0)
  })
})

const file = (name: string): RemoteEntry => ({ name, kind: 'file', size: 0, mode: 0o644 })

/** Tells the same entries for the working directory, or for every directory where `nested`. */
function lying(lies: {
  entries: RemoteEntry[]
  read?: () => Readable
  realpath?: string
  nested?: boolean
}): RemoteFiles {
  let depth = 0
  return {
    list: async () => (lies.nested || depth++ === 0 ? [...lies.entries] : []),
    stat: async (path) => file(path.slice(path.lastIndexOf('/') + 1)),
    realpath: async (path) => (path === '/work' ? path : (lies.realpath ?? path)),
    read: lies.read ?? (() => Readable.from([Buffer.from('lie')])),
  }
}
