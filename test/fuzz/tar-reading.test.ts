import { writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { type Header, pack } from 'tar-stream'
import { expect } from 'vitest'
import { tarSource } from '../../orchestrator/command/repro/tar-source.ts'
import { readSetupFiles } from '../../runner/checkpoint/read-setup-files.ts'
import { fuzz } from './fuzz.ts'
import { scratchFolder } from './scratch-folder.ts'

const signal = new AbortController().signal
const scratch = scratchFolder()

const name = fc.oneof(
  fc.stringMatching(/^(?:\.\/)?[a-c]{1,3}(?:\/[a-c]{1,3}){0,2}$/),
  fc.constantFrom('../x', '/etc/passwd', '.git/config', '__proto__', 'n'.repeat(300), 'line\nbreak', ' '),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
)
const entry = fc.record({
  name,
  type: fc.constantFrom<'file' | 'directory' | 'symlink' | 'link' | 'fifo'>(
    'file',
    'file',
    'directory',
    'symlink',
    'link',
    'fifo',
  ),
  size: fc.oneof(fc.constantFrom(0, 1, 511, 512, 513), fc.nat(2000)),
  mode: fc.nat(0o7777),
})

fuzz({
  target: 'tar-reading',
  cases: fc.record({
    entries: fc.array(entry, { maxLength: 6 }),
    /** What is done to the archive: bytes put over others, and where it ends. */
    damage: fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 4 }),
    cutAt: fc.option(fc.nat(), { nil: -1 }),
    chunk: fc.integer({ min: 1, max: 4000 }),
  }),
  async holds({ entries, damage, cutAt, chunk }) {
    const sound = await archiveOf(entries)
    const bytes = Buffer.from(sound)
    for (const { at, byte } of damage) bytes[at % bytes.length] = byte
    const archive = cutAt < 0 ? bytes : bytes.subarray(0, cutAt % (bytes.length + 1))
    const isSound = archive.equals(sound)

    const read = await orError(
      readSetupFiles({ stream: Readable.from(chunksOf(archive, chunk)), notes: [] }, signal),
    )
    if (read instanceof Error) expect(isSound, read.message).toBe(false)
    else {
      expect(read?.digest).toMatch(/^[0-9a-f]{64}$/)
      const again = read === undefined ? Buffer.alloc(0) : await buffer(read.tar().stream)
      expect(again.equals(archive)).toBe(true)
    }

    const file = scratch.path('files.tar')
    writeFileSync(file, archive)
    const chosen = await orError(
      tarSource(file)
        .files(['a', 'b/**', '*.c'], signal)
        .then(({ stream }) => buffer(stream)),
    )
    if (chosen instanceof Error) expect(isSound, chosen.message).toBe(false)
  },
})

async function archiveOf(
  entries: readonly { name: string; type: NonNullable<Header['type']>; size: number; mode: number }[],
) {
  const archive = pack()
  for (const { name: path, type, size, mode } of entries) {
    if (type === 'file') archive.entry({ name: path, mode }, Buffer.alloc(size, 'x'))
    else if (type === 'symlink' || type === 'link')
      archive.entry({ name: path, type, mode, linkname: '../x' })
    else archive.entry({ name: path, type, mode })
  }
  archive.finalize()
  return await buffer(archive)
}

function* chunksOf(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** What it gives or how it fails; a reader that does neither is what is looked for. */
async function orError<T>(work: Promise<T>): Promise<T | Error> {
  let timer: NodeJS.Timeout | undefined
  const endless = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it reads without end')), 60_000)
  })
  const ended = work.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
  return await Promise.race([ended, endless]).finally(() => clearTimeout(timer))
}
