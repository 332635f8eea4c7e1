import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Pack, pack } from 'tar-stream'
import type { JobSource, TarSource } from '../../../runner/job/job-order.ts'
import { chooseFiles } from '../../../runner/source/choose-files.ts'

/** The files of a job in a tar archive on this computer, which is never unpacked here. */
export function tarSource(file: string): JobSource {
  return {
    tree: async () => ({ stream: createReadStream(file), notes: [] }),
    files: (patterns, signal) => chosen(file, patterns, signal),
  }
}

async function chosen(file: string, patterns: readonly string[], signal: AbortSignal): Promise<TarSource> {
  const { paths, notes } = chooseFiles({ paths: await namesIn(file, signal), notes: [] }, patterns)
  const archive = pack()
  void copy({ file, archive, wanted: new Set(paths), signal }).catch((error: Error) => archive.destroy(error))
  return { stream: Readable.from(archive, { objectMode: false }), notes }
}

async function namesIn(file: string, signal: AbortSignal): Promise<string[]> {
  const names: string[] = []
  const entries = extract()
  entries.on('entry', ({ name }, content, next) => {
    names.push(plain(name))
    content.on('error', isTold).resume().once('end', next)
  })
  await pipeline(createReadStream(file), entries, { signal })
  return names
}

type Copy = { file: string; archive: Pack; wanted: ReadonlySet<string>; signal: AbortSignal }

async function copy({ file, archive, wanted, signal }: Copy): Promise<void> {
  const entries = extract()
  entries.on('entry', (header, content, next) => {
    content.on('error', isTold)
    if (wanted.has(plain(header.name))) return void content.pipe(archive.entry(header, next))
    content.resume().once('end', next)
  })
  await pipeline(createReadStream(file), entries, { signal })
  archive.finalize()
}

// Of an archive that ends too early, its last entry says so as well as the archive; unheard, it would end the process.
const isTold = () => undefined

function plain(name: string): string {
  return name.replace(/^\.\/+/, '').replace(/\/+$/, '')
}
