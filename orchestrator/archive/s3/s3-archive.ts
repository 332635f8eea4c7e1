import { monotonicFactory } from 'ulid'
import { artifactsName, timelineName } from '../../../runner/job/filenames.ts'
import { folderFiles } from '../../../runner/job/folder-files.ts'
import type { Build, BuildJob } from '../../model/build.ts'
import { type Archive, type ArchivedBuild, createArchive, logNames } from '../archive.ts'
import { ofBuild, withChanges } from '../build-changes.ts'
import {
  attemptFolderPath,
  buildFolderPath,
  buildRecordName,
  buildsFolder,
  changeName,
  changesFolder,
  dayOf,
  deliveriesFolder,
  readChangeName,
  registerPath,
} from '../filenames.ts'
import { createBucketFiles } from './bucket-files.ts'
import { hereOrThere } from './here-or-there.ts'
import { attemptKey, liveKey, toldKey } from './keys.ts'
import type { ObjectStore } from './object-store.ts'
import { createSubmittedObjects } from './submitted-objects.ts'
import type { WaitingObjects } from './waiting-objects.ts'

type Options = {
  readonly store: ObjectStore
  readonly waiting: WaitingObjects
  /** Of this host, in which attempts have their folders while they run here. */
  readonly folder: string
}

/** Builds of which it is remembered that the bucket has them. */
const mostKnown = 10_000

/** The archive in a bucket, with the names that it has in a folder; nothing is ever added to an object. */
export function createS3Archive({ store, waiting, folder }: Options): Archive {
  const here = createArchive({ folder })
  const nextId = monotonicFactory()
  const bucketFiles = createBucketFiles({ store })
  const known = new Set<string>()
  const recordKey = (build: string) => `${buildFolderPath('', build)}/${buildRecordName}`
  const read = async (key: string) => (await waiting.get(key)) ?? (await store.get(key))?.toString()
  const keysOf = async (start: string) => {
    const keys = new Set(await waiting.keys(start))
    for await (const { key } of store.list(start)) keys.add(key)
    return [...keys].sort()
  }
  const foldersOf = async (start: string) => {
    const keys = await waiting.keys(`${start}/`)
    const folders = new Set(keys.map((key) => key.slice(start.length + 1).split('/')[0] ?? ''))
    for await (const name of store.folders(`${start}/`)) folders.add(name)
    return [...folders].sort()
  }
  const removeAll = async (start: string) => {
    await waiting.drop(start)
    await store.removeAll(start)
  }
  const isKept = async (build: string): Promise<boolean> => {
    if (known.has(build)) return true
    const key = recordKey(build)
    const isThere =
      (await waiting.get(key)) !== undefined ||
      // Where it cannot be asked, the build is kept whole once more, on this host.
      (await store.size(key).catch(() => undefined)) !== undefined
    if (isThere) remember(known, build)
    return isThere
  }
  const newestChanges = async (build: string): Promise<Map<string, Build | BuildJob>> => {
    const start = `${changesFolder('', build)}/`
    const newest = new Map<string, { revision: number; key: string }>()
    for (const key of await keysOf(start)) {
      const change = readChangeName(key.slice(start.length))
      if (change !== undefined && change.revision > (newest.get(change.of)?.revision ?? -1))
        newest.set(change.of, { revision: change.revision, key })
    }
    const found = new Map<string, Build | BuildJob>()
    for (const [of, { key }] of newest) {
      const text = await read(key)
      if (text !== undefined) found.set(of, JSON.parse(text) as Build | BuildJob)
    }
    return found
  }

  return {
    files: (attempt) => hereOrThere(folderFiles(attemptFolderPath(folder, attempt)), bucketFiles(attempt)),
    keep: async (build, jobs) => {
      const record: ArchivedBuild = { format: 1, build, jobs }
      await waiting.put(recordKey(build.id), `${JSON.stringify(record, null, 2)}\n`)
      remember(known, build.id)
    },
    keepChange: async (changed) => {
      const record = 'job' in changed ? changed.job : changed.build
      const build = 'job' in changed ? changed.job.build : changed.build.id
      const of = 'job' in changed ? changed.job.id : ofBuild
      const { revision = 0 } = record
      if (!(await isKept(build))) return false
      const start = `${changesFolder('', build)}/`
      await waiting.put(`${start}${changeName(of, revision)}`, `${JSON.stringify(record)}\n`)
      return true
    },
    read: async (id) => {
      const text = await read(recordKey(id))
      if (text === undefined) return undefined
      return withChanges(JSON.parse(text) as ArchivedBuild, await newestChanges(id))
    },
    builds: () => foldersOf(buildsFolder('')),
    removeLogs: async (attempts) => {
      await here.removeLogs(attempts)
      for (const attempt of attempts) {
        for (const name of [...logNames, timelineName]) await store.remove(attemptKey(attempt, name))
        await store.removeAll(liveKey(attempt))
      }
    },
    removeArtifacts: async (attempts) => {
      await here.removeArtifacts(attempts)
      for (const attempt of attempts) await store.removeAll(attemptKey(attempt, `${artifactsName}/`))
    },
    remove: async (build, attempts) => {
      await here.remove(build, attempts)
      for (const attempt of attempts) {
        await store.removeAll(attemptKey(attempt, ''))
        await store.removeAll(liveKey(attempt))
      }
      known.delete(build)
      await removeAll(`${buildFolderPath('', build)}/`)
    },
    keepDeliveries: (lines, at) =>
      waiting.put(`${deliveriesFolder('')}/${dayOf(at)}/${nextId()}.jsonl`, `${lines.join('\n')}\n`),
    async *deliveries() {
      for (const key of await keysOf(`${deliveriesFolder('')}/`))
        for (const line of (await read(key))?.split('\n') ?? []) if (line !== '') yield line
    },
    trimDeliveries: async (before) => {
      for (const day of await foldersOf(deliveriesFolder('')))
        if (day < dayOf(before)) await removeAll(`${deliveriesFolder('')}/${day}/`)
    },
    noteTold: async (build, whom, what) => {
      if (await isKept(build)) await waiting.put(toldKey(build, whom), JSON.stringify([whom, what]))
    },
    told: async (build) => {
      const notes = await Promise.all((await keysOf(toldKey(build))).map(read))
      return new Map(
        notes.flatMap((note) => (note === undefined ? [] : [JSON.parse(note) as [string, string]])),
      )
    },
    ...createSubmittedObjects(store),
    keepRegister: (text) => waiting.put(registerPath(''), text),
    readRegister: () => read(registerPath('')),
  }
}

function remember(known: Set<string>, build: string): void {
  known.add(build)
  const [oldest] = known
  if (known.size > mostKnown && oldest !== undefined) known.delete(oldest)
}
