import { formatDuration } from '../../config/duration.ts'
import { ConfigError } from '../../config/errors.ts'
import type { ShelfImage } from '../../images/image.ts'
import type { EgressRecord } from '../egress/egress-record.ts'
import { learnedAllowList } from '../egress/learned-allow-list.ts'
import { monotonicMs } from '../keeper/lease.ts'
import { unmaskable } from '../logs/mask-needles.ts'
import type { Machine } from '../machine/machine.ts'
import { adoptJobMachine } from './adopt-job-machine.ts'
import { bootJobMachine, type JobMachine } from './boot-job-machine.ts'
import { checkNetwork } from './check-network.ts'
import { collectPhase } from './collect-phase.ts'
import { createConsoleFindings } from './console-findings.ts'
import { jobFolderPath } from './filenames.ts'
import { createJobFolder, type JobFolder } from './job-folder.ts'
import type { JobLife } from './job-life.ts'
import type { JobOrder } from './job-order.ts'
import { createRecord, type JobRecord } from './job-record.ts'
import { letOutlive } from './let-outlive.ts'
import { Cancelled, type Outcome, outcomeOf, passed, TimedOut } from './outcome.ts'
import { hadVerdict, readPast } from './past.ts'
import { phaseTimer } from './phase-timer.ts'
import { runSteps } from './run-steps.ts'
import { sampleMachine } from './sample-machine.ts'
import { setupPhase } from './setup-phase.ts'
import { takeUpRecord, takeUpTimeline } from './take-up.ts'
import { createTimeline, type Timeline } from './timeline.ts'
import { uploadPhase } from './upload-phase.ts'

/**
 * Lives a job from its image to the machine's end: image, boot, setup, upload, steps, collect, reported, destroyed.
 * Never rejects for what happens to the job: that is the verdict. The machine is gone when this settles, unless somebody
 * took it over.
 * Rejects when the job's own folder cannot be written.
 */
export async function runJob(order: JobOrder): Promise<JobRecord> {
  const { job, context, secrets, dataFolder, host, resumed } = order
  const id = context.jobId
  const past = resumed && (await readPast(jobFolderPath(dataFolder, id), resumed.note))
  const record =
    past === undefined ? createRecord(job.name, context) : takeUpRecord(past, { name: job.name, context })
  const isNew = past === undefined
  const folder = await createJobFolder({ dataFolder, id, logLimit: host.limits.logBytes, isNew })
  const goesOn = past && (await takeUpTimeline({ past, job, folder }))
  const timeline = createTimeline({
    ...{ folder, record, secrets: Object.values(secrets), onEvent: order.onEvent },
    ...goesOn,
  })
  const held: Held = {}
  const sampler = sampleMachine({
    before: past?.counted ?? (record.use && { use: record.use }),
    onSample: (use, step, counted) => {
      timeline.emit({ type: 'sample', step, ...use })
      timeline.keepCounted(counted)
      timeline.keepEgress(held.machine?.traffic() ?? [])
    },
  })
  const console = createConsoleFindings(timeline)
  const limit = new AbortController()
  const signal = AbortSignal.any([order.signal, limit.signal])
  const life: JobLife = {
    ...{ order, timeline, sampler, console, signal, past, heard: goesOn?.from.raw ?? 0 },
    artifacts: folder.artifacts,
    phase: phaseTimer({ timeline, signal, past }),
  }
  let timer: NodeJS.Timeout | undefined
  const startClock = () => {
    const message = `the job did not end within its ${formatDuration(job.timeout)}`
    const gone = past === undefined ? 0 : monotonicMs() - past.note.clockBegan
    timer = setTimeout(() => limit.abort(new TimedOut(message)), Math.max(1, job.timeout - gone))
  }
  try {
    const outcome = await live(life, held, startClock)
    clearTimeout(timer)
    await sampler.stop()
    if (outcome !== undefined) {
      tellEgress(life, held.machine?.traffic() ?? past?.egress)
      timeline.emit({ type: 'verdict', ...outcome })
    }
    await life.phase('reported', async () => await order.report?.(record))
    if (held.machine !== undefined && !held.isGone) held.isTaken = order.keepMachine?.(record, held.machine)
  } finally {
    clearTimeout(timer)
    await sampler.stop()
    if (held.isTaken !== true) await life.phase('destroyed', async () => await held.machine?.destroy('now'))
    record.ended = new Date().toISOString()
    await folder.writeRecord(record)
    if (held.isTaken === true) await keepConsole({ machine: held.machine, timeline, folder })
    else await timeline.settle().finally(() => folder.close())
  }
  return record
}

type KeepConsole = { machine: Machine | undefined; timeline: Timeline; folder: JobFolder }

/** Whoever took the machine over reads its console where it was read before, until the machine ends. */
async function keepConsole({ machine, timeline, folder }: KeepConsole): Promise<void> {
  void machine?.ended
    .then(() => timeline.endConsole())
    .then(() => folder.close())
    // It cannot be written to the disk any more, which was said while the job lived, or is of no consequence now.
    .catch(() => undefined)
  await timeline.settle({ keepsConsole: true }).finally(() => folder.closeButConsole())
}

/** What a job has of its machine. */
type Held = { machine?: Machine; isGone?: boolean; isTaken?: boolean | undefined }

/** Its outcome; undefined where another process had written it down. */
async function live(life: JobLife, held: Held, startClock: () => void): Promise<Outcome | undefined> {
  const { order, phase, signal } = life
  try {
    if (life.past !== undefined) {
      if (!hadVerdict(life.past)) startClock()
      const adopted = await adoptJobMachine(life)
      if (adopted !== undefined) hold(held, adopted)
      if (adopted === undefined || hadVerdict(life.past)) return undefined
      return await work(life, adopted, async () => undefined)
    }
    await checkNetwork(order)
    checkSteps(order)
    const image = await phase('image', () => ensureImage(life))
    noteUnmaskable(life)
    const clockBegan = monotonicMs()
    startClock()
    const booted = await phase('boot', () => bootJobMachine(life, image))
    hold(held, booted.machine)
    return await work(life, booted.machine, () => bringToSteps(life, booted, clockBegan))
  } catch (error) {
    return outcomeOf(order.signal.aborted ? cancelReason(order.signal) : reasonOf(error, signal))
  }
}

function hold(held: Held, machine: Machine): void {
  held.machine = machine
  void machine.ended.then(() => {
    held.isGone = true
  })
}

/** All that comes before the steps. */
async function bringToSteps(life: JobLife, booted: JobMachine, clockBegan: number): Promise<void> {
  const { machine, setup, preparation } = booted
  const { secrets } = life.order
  if (setup !== undefined) await life.phase('setup', () => setupPhase({ life, machine, setup, preparation }))
  await life.phase('upload', () => uploadPhase(life, machine))
  if (Object.keys(secrets).length > 0) await machine.addSecrets(secrets, life.signal)
  await letOutlive(life, machine, clockBegan)
}

async function work(life: JobLife, machine: Machine, before: () => Promise<void>): Promise<Outcome> {
  const { job } = life.order
  let outcome: Outcome
  try {
    await before()
    await life.phase('steps', () => stepsWithVisitors(life, machine))
    outcome = passed
  } catch (error) {
    if (life.order.signal.aborted) throw error
    outcome = outcomeOf(reasonOf(error, life.signal))
  }
  if (job.artifacts.length === 0) return outcome
  return await life.phase('collect', () => collectPhase(life, machine, outcome))
}

/** A time limit that says where it struck says more than the limit itself. */
function reasonOf(error: unknown, signal: AbortSignal): unknown {
  return signal.aborted && !(error instanceof TimedOut) ? signal.reason : error
}

/** Whoever came in beside the steps is out again before anything else happens to the machine. */
async function stepsWithVisitors(life: JobLife, machine: Machine): Promise<void> {
  const leave = life.order.admit?.({ machine, remark: life.timeline.remark })
  try {
    await runSteps(life, machine, 'steps')
  } finally {
    await leave?.()
  }
}

function ensureImage({ order, signal }: JobLife): Promise<ShelfImage> {
  const name = order.job.image ?? order.host.defaultImage
  return order.ensureImage(name, { signal, onProgress: order.onImageProgress })
}

function tellEgress({ order, timeline }: JobLife, records: readonly EgressRecord[] = []): void {
  const isAudited = order.host.network.audit || order.egress?.audit === true
  const learned = isAudited ? learnedAllowList(records) : undefined
  if (records.length > 0) timeline.emit({ type: 'egress', records, learned })
}

/** A value that is too short to be masked would be found in every other word, so its owner has to know. */
function noteUnmaskable({ order, timeline }: JobLife): void {
  const values = unmaskable(Object.values(order.secrets))
  const names = Object.keys(order.secrets).filter((name) => values.includes(order.secrets[name] ?? ''))
  if (names.length > 0)
    timeline.emit({ type: 'note', message: `too short to be masked: ${names.join(', ')}` })
}

function checkSteps({ job, host }: JobOrder): void {
  const steps = job.setup.length + job.steps.length
  if (steps <= host.limits.steps) return
  throw new ConfigError(`expected at most ${host.limits.steps} steps on this host, found ${steps}`, {
    hint: 'put several lines into one step, or raise limits.steps in the host file',
  })
}

function cancelReason(signal: AbortSignal): unknown {
  return signal.reason instanceof Cancelled ? signal.reason : new Cancelled('the job was cancelled')
}
