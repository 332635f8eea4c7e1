import type { JobRecord } from '../../runner/job/job-record.ts'
import { runJob } from '../../runner/job/run-job.ts'
import type { Machine } from '../../runner/machine/machine.ts'
import type { JobMachineNote } from '../adoption/machine-note.ts'
import { isForkBuild } from '../builds/fork-policy.ts'
import { prepareHold, type TakenHold } from '../holds/prepare-hold.ts'
import { prepareVisit } from '../holds/prepare-visit.ts'
import type { Build, BuildJob } from '../model/build.ts'
import type { Repository } from '../model/repository.ts'
import { watchMemory } from '../pressure/wait-for-memory.ts'
import { announceBytes } from './announce-bytes.ts'
import { attemptId } from './attempt-id.ts'
import type { Held } from './held-job.ts'
import { observeJob } from './observe-job.ts'
import type { Watched } from './watch-cancel.ts'

type Ran = {
  readonly record: JobRecord
  readonly hold: TakenHold | undefined
  /** What its host had too little of for a machine to start, in words. */
  readonly lacked: string | undefined
}
type Run = Held & { readonly build: Build; readonly repository: Repository; readonly cancel: Watched }

/** Lives a job in a machine of this host, with what is known of it here: its files, secrets, network and maintainers. */
export async function runInMachine({
  parts,
  job,
  persist,
  outliving,
  left,
  build,
  repository,
  cancel,
}: Run): Promise<Ran> {
  const { signal } = cancel
  const { host, archiveFolder, mirror, vault, shelf, startMachine, bus, builds, metrics } = parts
  const { trigger } = build
  const commit = { ref: trigger.ref, sha: trigger.sha }
  const secrets =
    left?.note.secrets ??
    (isForkBuild(trigger)
      ? {}
      : await persist('reading secrets', () => vault.resolve(build.repository, job.job.secrets)))
  const source =
    left === undefined
      ? await mirror.source(repository, commit, { bytes: host.limits.uploadBytes }, signal)
      : uploadedSource
  const bytes = announceBytes({ bus, job: job.id })
  const observe = observeJob({ metrics, job, limits: host.limits })
  const hold = await persist('reading who may debug', () =>
    prepareHold({ debug: parts.debug, store: parts.store, build, job, secrets, log: parts.log }),
  )
  const memory = watchMemory(startMachine)
  let kept: Machine | undefined
  const { debug, store, log } = parts
  const admit = await persist('reading who may come in', () =>
    prepareVisit({ debug, store, build, job, log }),
  )
  try {
    const record = await runJob({
      // As it was planned, which is what this host gave room to, whatever its image says by now.
      job: { ...job.job, resources: job.resources },
      context: {
        jobId: attemptId(job),
        buildId: build.id,
        repo: repository.name,
        event: trigger.event,
        ...commit,
      },
      secrets,
      host,
      dataFolder: archiveFolder,
      source,
      ensureImage: (name, watched) => shelf.ensure(name, watched),
      startMachine: async (order) => cancel.hold(await memory.startMachine(order)),
      setupAccess: {
        scope: `repository ${build.repository}`,
        readsAll: false,
        mayKeep: !isForkBuild(trigger),
      },
      egress: repository.network,
      signal,
      outlive: {
        note: noteOf(job, secrets),
        graceMs: host.stop.orphaned,
        onOutlives: () => outliving.add(job.id),
      },
      resumed: left && { note: left.note.life, adopt: async (hooks) => cancel.hold(await left.adopt(hooks)) },
      onEvent: (event) => {
        bytes.onEvent(event)
        observe(event)
        if (event.type === 'phase-ended')
          log.debug({ phase: event.phase, ms: event.ms }, 'a phase of a job ended')
        if (event.type === 'phase-started' && event.phase === 'boot') void builds.jobStarted(job)
      },
      onImageProgress: () => undefined,
      keepMachine: (ended, machine) => {
        const isTaken = hold.take(ended, machine)
        if (isTaken) kept = machine
        return isTaken
      },
      admit,
    })
    return { record, hold: hold.taken(), lacked: memory.lacked() }
  } catch (error) {
    // What is kept of it could not be written after its machine was taken over.
    await hold.taken()?.giveUp()
    throw error
  } finally {
    outliving.delete(job.id)
    // Its console goes on, and so do those who follow it.
    if (kept === undefined) bytes.end()
    else void kept.ended.then(bytes.end)
    await source.release()
  }
}

/** In the machine already. */
const uploadedSource = {
  tree: () => Promise.reject(new Error('expected the files to be in the machine')),
  files: () => Promise.reject(new Error('expected the files to be in the machine')),
  release: async () => undefined,
}

function noteOf(
  { id, attempt }: BuildJob,
  secrets: Readonly<Record<string, string>>,
): Omit<JobMachineNote, 'life'> {
  return { kind: 'job', job: id, attempt, secrets: { ...secrets } }
}
