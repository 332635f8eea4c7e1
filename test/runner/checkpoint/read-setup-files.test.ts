import { chmod, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { InfraError } from '../../../config/errors.ts'
import { readSetupFiles, type SetupFiles } from '../../../runner/checkpoint/read-setup-files.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import { unpack } from '../source/unpack.ts'

const { signal } = new AbortController()
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-setup-files-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'a.lock'), 'one')
  await writeFile(join(folder, 'b.lock'), 'two')
  await chmod(join(folder, 'a.lock'), 0o644)
  await symlink('a.lock', join(folder, 'link.lock'))
})

async function read(): Promise<SetupFiles> {
  const source = directorySource({ directory: folder, limits: { bytes: 2 ** 30 } })
  const found = await readSetupFiles(await source.files(['*.lock'], signal), signal)
  if (found === undefined) throw new Error('expected a digest')
  return found
}

/** An archive of files, in their order. */
function tarOf(files: readonly (readonly [name: string, content: string])[]): Readable {
  const archive = pack()
  for (const [name, content] of files) archive.entry({ name, mtime: new Date(0) }, content)
  archive.finalize()
  return Readable.from(archive)
}

describe('the digest of setup_files', () => {
  it('is the same whenever they were written, and whatever lies beside them', async () => {
    const { digest } = await read()
    await utimes(join(folder, 'a.lock'), new Date(), new Date(1_000_000))
    await writeFile(join(folder, 'other.txt'), 'of no interest')
    expect((await read()).digest).toBe(digest)
  })

  it('is the same in whatever order they come', async () => {
    const files = [
      ['a', 'one'],
      ['b', 'two'],
    ] as const
    const [one, other] = [
      await readSetupFiles({ stream: tarOf(files), notes: [] }, signal),
      await readSetupFiles({ stream: tarOf([...files].reverse()), notes: [] }, signal),
    ]
    expect(other?.digest).toBe(one?.digest)
  })

  it.each<[string, () => Promise<void>]>([
    ['content', () => writeFile(join(folder, 'a.lock'), 'One')],
    ['a name', () => rename(join(folder, 'a.lock'), join(folder, 'c.lock'))],
    ['a mode', () => chmod(join(folder, 'a.lock'), 0o755)],
    [
      "a link's target",
      async () => {
        await rm(join(folder, 'link.lock'))
        await symlink('b.lock', join(folder, 'link.lock'))
      },
    ],
    ['a file more', () => writeFile(join(folder, 'd.lock'), '')],
    ['a file less', () => rm(join(folder, 'b.lock'))],
    [
      'contents that change places',
      async () => {
        await writeFile(join(folder, 'a.lock'), 'two')
        await writeFile(join(folder, 'b.lock'), 'one')
      },
    ],
  ])('is another with another %s', async (_what, change) => {
    const { digest } = await read()
    await change()
    expect((await read()).digest).not.toBe(digest)
  })
})

describe('what is uploaded of setup_files', () => {
  it('is what was read, as often as it is wanted, whatever happens to the folder in between', async () => {
    const found = await read()
    await writeFile(join(folder, 'a.lock'), 'changed')
    await rm(join(folder, 'b.lock'))
    for (const _time of [1, 2]) {
      const entries = await unpack(found.tar().stream)
      expect(entries.map(({ name, content }) => [name, content])).toEqual([
        ['a.lock', 'one'],
        ['b.lock', 'two'],
        ['link.lock', ''],
      ])
    }
  })

  it('brings the notes of its source along', async () => {
    const source = directorySource({ directory: folder, limits: { bytes: 2 ** 30 } })
    const found = await readSetupFiles(await source.files(['gone.txt'], signal), signal)
    expect(found?.tar().notes).toEqual(['nothing matches "gone.txt"'])
  })
})

describe('reading setup_files', () => {
  it('ends beyond 64 MiB without a digest, and lets go of the stream', async () => {
    let given = 0
    const stream = new Readable({
      read() {
        given += 2 ** 20
        // It ends where nobody ends it, so that a mistake costs no more than this.
        this.push(given < 100 * 2 ** 20 ? Buffer.alloc(2 ** 20) : null)
      },
    })
    expect(await readSetupFiles({ stream, notes: [] }, signal)).toBeUndefined()
    expect(stream.destroyed).toBe(true)
    expect(given).toBeLessThan(80 * 2 ** 20)
  })

  it("fails with the source's own error", async () => {
    const fault = new InfraError('upload', 'a.lock became shorter while it was read')
    const stream = Readable.from(
      (async function* () {
        yield Buffer.alloc(512)
        throw fault
      })(),
    )
    await expect(readSetupFiles({ stream, notes: [] }, signal)).rejects.toBe(fault)
  })

  it('ends with the signal, also where the source never says a word', async () => {
    const stop = new AbortController()
    const stream = new Readable({ read: () => undefined })
    const reading = readSetupFiles({ stream, notes: [] }, stop.signal)
    const reason = new Error('cancelled')
    stop.abort(reason)
    await expect(reading).rejects.toBe(reason)
    expect(stream.destroyed).toBe(true)
  })
})
