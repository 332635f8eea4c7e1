import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { extract } from 'tar-stream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { checkoutsFolder } from '../../../orchestrator/git/filenames.ts'
import { aSubmissions } from './a-submissions.ts'
import { bundleMaker, type Entry } from './bundle-of.ts'

const pipelineFile: Entry = { mode: '100644', name: '.mayfly.yml', content: 'steps: []\n' }
type World = Awaited<ReturnType<typeof aSubmissions>>

/** Refused as the sender's fault; no build, no repository, nothing on disk. */
async function expectRefused(
  world: World,
  bundle: Buffer | AsyncIterable<Uint8Array>,
  words: RegExp | string,
) {
  const submitting = world.submit(bundle)
  await expect(submitting).rejects.toBeInstanceOf(ConfigError)
  await expect(submitting).rejects.toThrow(words)
  expect(world.asked).toEqual([])
  expect(await world.store.repositories.list()).toEqual([])
  expect(await readdir(checkoutsFolder(world.git.dataFolder))).toEqual([])
}

describe('a body that is no bundle of one branch', () => {
  it.each([
    ['nothing', ''],
    ['text', 'hello\n'],
    ['a web page', '<html></html>'],
    ['a head without an end', `# v2 git bundle\n${'a'.repeat(40)} refs/heads/main\n`],
    ['a head that never ends', `# v2 git bundle\n${'x'.repeat(100_000)}`],
    ['no name', '# v2 git bundle\n\nPACK'],
    ['another version', `# v3 git bundle\n@object-format=sha1\n${'a'.repeat(40)} refs/heads/main\n\nPACK`],
    ['a short hash', '# v2 git bundle\nabc refs/heads/main\n\nPACK'],
    ['a name that is an option', `# v2 git bundle\n${'a'.repeat(40)} --upload-pack=x\n\nPACK`],
    ['a name that leaves refs', `# v2 git bundle\n${'a'.repeat(40)} refs/../../x\n\nPACK`],
    ['a name with a refspec in it', `# v2 git bundle\n${'a'.repeat(40)} refs/heads/a:refs/heads/b\n\nPACK`],
    ['a pack that is none', `# v2 git bundle\n${'a'.repeat(40)} refs/heads/main\n\nPACK and more`],
  ])('is refused: %s', async (_what, text) => {
    await expectRefused(await aSubmissions(), Buffer.from(text), /expected/)
  })

  it('is refused: several branches, a branch that builds on others, what is no commit', async () => {
    const maker = await bundleMaker()
    maker.commit([pipelineFile])
    maker.git(['branch', 'other', 'main'])
    const world = await aSubmissions()
    await expectRefused(world, await maker.bundle('main', 'other'), 'got one of 2 names')
    const tree = maker.git(['rev-parse', 'main^{tree}'])
    const next = maker.git(['commit-tree', '-p', 'main', '-m', 'x', tree])
    maker.git(['update-ref', 'refs/heads/main', next])
    await expectRefused(world, await maker.bundle('main', '^main~1'), 'got one that lacks the commits')
    maker.git(['update-ref', 'refs/tags/blob', maker.blob('x')])
    await expectRefused(
      world,
      await maker.bundle('refs/tags/blob'),
      'expected a commit in the submission, got a blob',
    )
  })

  it('is refused wherever it was cut or changed on its way', async () => {
    const maker = await bundleMaker()
    maker.commit([pipelineFile, { mode: '100644', name: 'b', content: 'some text, some more' }])
    const whole = await maker.bundle('main')
    const world = await aSubmissions()
    const isHead = whole.indexOf('PACK')
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.constantFrom('cut', 'change'), async (at, how) => {
        const bundle = how === 'cut' ? whole.subarray(0, at) : Buffer.from(whole)
        if (how === 'change') bundle[Math.max(at, isHead)] = (bundle[Math.max(at, isHead)] ?? 0) ^ 0x15
        await expectRefused(world, Buffer.from(bundle), /./)
      }),
      { numRuns: 15 },
    )
  })
})

describe('a submission that is too large', () => {
  it('is refused while it arrives, whatever its length was said to be', async () => {
    let sent = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        sent += 100_000
        yield Buffer.alloc(100_000)
      }
    }
    await expectRefused(
      await aSubmissions({ bytes: 1_000_000 }),
      endless(),
      /expected at most .* in a submission, got more/,
    )
    expect(sent).toBeLessThan(3_000_000)
  })

  it('is refused where a small bundle holds a large tree, and where few trees stand for billions of files', async () => {
    const maker = await bundleMaker()
    maker.commit([pipelineFile, { mode: '100644', name: 'zeros', content: '\0'.repeat(8_000_000) }])
    const small = await maker.bundle('main')
    expect(small.length).toBeLessThan(100_000)
    await expectRefused(
      await aSubmissions({ bytes: 1_000_000 }),
      small,
      /expected at most .* to upload, got more/,
    )
    let id = maker.blob('x')
    let mode = '100644'
    for (let level = 0; level < 10; level++) {
      const raw = Array.from({ length: 10 }, (_, index) =>
        Buffer.concat([Buffer.from(`${mode} n${index}\0`), Buffer.from(id, 'hex')]),
      )
      id = maker.git(['hash-object', '-t', 'tree', '-w', '--stdin'], Buffer.concat(raw))
      mode = '40000'
    }
    maker.commit([{ mode, name: 'bomb', id }])
    await expectRefused(
      await aSubmissions(),
      await maker.bundle('main'),
      /expected at most 1000000 files, got more/,
    )
  })
})

describe('a bundle of a kilobyte that unpacks to gigabytes', () => {
  it('is refused before the memory is taken', async () => {
    await expectRefused(await aSubmissions(), deltaBomb(), /attempting to allocate \d+ over limit/)
  })
})

/** A blob of 16 MiB, and as a delta on it (gitformat-pack(5)) one of 4 GiB: 256 times all of it. */
function deltaBomb(): Buffer {
  const base = Buffer.alloc(2 ** 24 - 1)
  const id = createHash('sha1').update(`blob ${base.length}\0`).update(base).digest()
  const whole = Buffer.from([0xf0, 0xff, 0xff, 0xff])
  const delta = Buffer.concat([varint(base.length), varint(256 * base.length), ...Array(256).fill(whole)])
  const pack = Buffer.concat([
    ...[Buffer.from('PACK'), Buffer.from([0, 0, 0, 2, 0, 0, 0, 2])],
    ...[objectHead(3, base.length), deflateSync(base)],
    ...[objectHead(7, delta.length), id, deflateSync(delta)],
  ])
  const sum = createHash('sha1').update(pack).digest()
  return Buffer.concat([Buffer.from(`# v2 git bundle\n${'a'.repeat(40)} refs/heads/main\n\n`), pack, sum])
}

function objectHead(type: number, size: number): Buffer {
  const rest = Math.floor(size / 16)
  const first = (type << 4) | (size % 16)
  return rest === 0 ? Buffer.from([first]) : Buffer.concat([Buffer.from([first | 0x80]), varint(rest)])
}

/** Seven bits a byte, the lowest first; above 32 bits too. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let left = value; left > 0; left = Math.floor(left / 128))
    bytes.push((left % 128) | (left >= 128 ? 0x80 : 0))
  return Buffer.from(bytes)
}

describe('a hostile tree', () => {
  it.each<[string, Entry]>([
    ['..', { mode: '40000', name: '..', tree: [{ mode: '100644', name: 'escaped' }] }],
    ['../x', { mode: '100644', name: '../escaped' }],
    ['/x', { mode: '100644', name: '/tmp/escaped' }],
    ['.git/hooks', { mode: '40000', name: '.git', tree: [{ mode: '100755', name: 'post-checkout' }] }],
    ['.GIT', { mode: '40000', name: '.GIT', tree: [{ mode: '100755', name: 'config' }] }],
    ['git~1', { mode: '40000', name: 'git~1', tree: [{ mode: '100755', name: 'config' }] }],
    ['a link for .gitmodules', { mode: '120000', name: '.gitmodules', content: '/etc/passwd' }],
  ])('is refused: %s', async (_what, entry) => {
    const maker = await bundleMaker()
    maker.commit([entry, { mode: '100644', name: 'z' }])
    await expectRefused(await aSubmissions(), await maker.bundle('main'), /expected a sound repository/)
  })

  it('has no effect outside of its own folder by links, submodules, attributes or configuration', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'mayfly-outside-'))
    onTestFinished(() => rm(outside, { recursive: true, force: true }))
    await mkdir(join(outside, 'victim'))
    const maker = await bundleMaker()
    const sha = maker.commit([
      { mode: '100644', name: '.gitattributes', content: '* filter=evil text eol=lf\n' },
      { mode: '100644', name: '.gitconfig', content: `[core]\n\thooksPath = ${outside}\n` },
      {
        mode: '100644',
        name: '.gitmodules',
        content: '[submodule "sub"]\n\tpath = sub\n\turl = http://127.0.0.1:1/x.git\n',
      },
      pipelineFile,
      { mode: '120000', name: 'absolute', content: join(outside, 'victim') },
      { mode: '160000', name: 'sub', id: 'd'.repeat(40) },
      { mode: '120000', name: 'up', content: '../../../../../../etc/passwd' },
    ])
    const { submit, mirror, store, signal } = await aSubmissions()
    await submit(await maker.bundle('main'))
    const repository = await store.repositories.get('local:ann/engine')
    if (repository === undefined) throw new Error('the repository is not kept')
    const commit = { ref: 'refs/heads/main', sha }
    const source = await mirror.source(repository, commit, { bytes: 2 ** 22 }, signal)
    const { stream } = await source.tree(signal)
    const found = new Map<string, string>()
    const unpack = extract()
    unpack.on('entry', ({ name, linkname, type }, content, next) => {
      found.set(name, linkname ?? type ?? '')
      content.resume().on('end', next)
    })
    await pipeline(stream, unpack)
    await source.release()
    expect(found.get('absolute')).toBe(join(outside, 'victim'))
    expect(found.get('up')).toBe('../../../../../../etc/passwd')
    expect(
      [...found.keys()].filter((path) => path.startsWith('sub/') || path.startsWith('absolute/')),
    ).toEqual([])
    expect(await readdir(join(outside, 'victim'))).toEqual([])
    // A pipeline file is never read through a link.
    await expect(mirror.readFile(repository, sha, 'up', signal)).rejects.toThrow(/got a symbolic link/)
    expect(existsSync('/tmp/escaped')).toBe(false)
    await expect(readlink(join(outside, 'victim'))).rejects.toThrow()
  })
})
