import { join } from 'node:path'
import { ulid } from 'ulid'
import { onTestFinished } from 'vitest'
import { createArchive } from '../../../orchestrator/archive/archive.ts'
import type { CreateRequest } from '../../../orchestrator/builds/create-build.ts'
import { createMirror } from '../../../orchestrator/git/create-mirror.ts'
import { bringSubmitted } from '../../../orchestrator/submissions/bring-submitted.ts'
import { createSubmissions } from '../../../orchestrator/submissions/create-submissions.ts'
import type { Retention } from '../../../orchestrator/submissions/prune-submissions.ts'
import { createPruning } from '../../../orchestrator/submissions/pruning.ts'
import type { Submission } from '../../../orchestrator/submissions/submissions.ts'
import { testParts } from '../git/mirror-parts.ts'
import { memoryStore } from '../memory-store.ts'
import { aBuild } from '../store/records.ts'

type Setting = { bytes?: number; keep?: Retention; now?: () => Date; archiveFolder?: string | undefined }

/** Submissions into a data folder of the test's own; builds are recorded and never run. */
export async function aSubmissions({
  bytes = 2 ** 22,
  keep,
  now = () => new Date(),
  archiveFolder: given,
}: Setting = {}) {
  const parts = await testParts()
  onTestFinished(() => parts.remove())
  const archiveFolder = given ?? join(parts.dataFolder, 'archive')
  const archive = createArchive({ folder: archiveFolder })
  const git = { ...parts, bringSubmitted: bringSubmitted(archive) }
  const store = memoryStore()
  const asked: CreateRequest[] = []
  const pruning = createPruning({ git, archive, store, now, ...(keep === undefined ? {} : { keep }) })
  const submissions = createSubmissions({
    ...{ git, archive, pruning, store, bytes, now },
    newId: () => ulid(now().getTime()).toLowerCase(),
    builds: {
      create: async (request) => {
        asked.push(request)
        const repository = `${request.repository.forge}:${request.repository.name}`
        const build = { ...aBuild({ repository, state: 'queued' }), trigger: request.trigger }
        await store.builds.add(build, [])
        return { build, reasons: [] }
      },
    },
  })
  const signal = new AbortController().signal
  const submit = (bundle: Buffer | AsyncIterable<Uint8Array>, change: Partial<Submission> = {}) =>
    submissions.submit(
      { name: 'engine', pipelineFile: undefined, jobs: undefined, inputs: {}, by: 'ann', ...change },
      Buffer.isBuffer(bundle) ? pieces(bundle) : bundle,
      signal,
    )
  return { git, archive, archiveFolder, store, asked, pruning, submit, mirror: createMirror(git), signal }
}

/** In pieces, as a network brings it. */
async function* pieces(whole: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += 10_000) yield whole.subarray(at, at + 10_000)
}
