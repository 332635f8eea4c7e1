import { formatDuration } from '../../config/duration.ts'
import { ConfigError } from '../../config/errors.ts'
import type { ShelfImage } from '../../images/image.ts'
import { unmaskable } from '../logs/mask-needles.ts'
import type { Machine } from '../machine/machine.ts'
import { bootJobMachine, type JobMachine } from './boot-job-machine.ts'
import { collectPhase } from './collect-phase.ts'
import { createConsoleFindings } from './console-findings.ts'
import { createJobFolder, type JobFolder } from './job-folder.ts'
import type { JobLife } from './job-life.ts'
import type { JobOrder } from './job-order.ts'
import { createRecord, type JobRecord } from './job-record.ts'
import { Cancelled, type Outcome, outcomeOf, passed, TimedOut } from './outcome.ts'
import { runSteps } from './run-steps.ts'
import { sampleMachine } from './sample-machine.ts'
import { setupPhase } from './setup-phase.ts'
import { createTimeline, type Timeline } from './timeline.ts'
import { uploadPhase } from './upload-phase.ts'

/**
 * Lives a job from its image to the machine's end: image, boot, setup, upload, steps, collect, reported, destroyed.
 * Never rejects for what happens to the job: that is the verdict. The machine is gone when this settles, unless somebody
 * took it over.
 * Rejects when the job's own folder cannot be written.
 */
export async function runJob(order: JobOrder): Promise<JobRecord> {
  const { job, context, secrets, dataFolder, host } = order
  const record = createRecord(job.name, context)
  const folder = await createJobFolder({ dataFolder, id: context.jobId, logLimit: host.limits.logBytes })
  const timeline = createTimeline({ folder, record, secrets: Object.values(secrets), onEvent: order.onEvent })
  const sampler = sampleMachine({
    onSample: (use, step) => timeline.emit({ type: 'sample', step, ...use }),
  })
  const console = createConsoleFindings(timeline)
  const limit = new AbortController()
  const signal = AbortSignal.any([order.signal, limit.signal])
  const life: JobLife = {
    ...{ order, timeline, sampler, console, signal },
    artifacts: folder.artifacts,
    phase: phaseTimer(timeline, signal),
  }
  const held: Held = {}
  let timer: NodeJS.Timeout | undefined
  const startClock = () => {
    const message = `the job did not end within its ${formatDuration(job.timeout)}`
    timer = setTimeout(() => limit.abort(new TimedOut(message)), job.timeout)
  }
  try {
    const outcome = await live(life, held, startClock)
    clearTimeout(timer)
    await sampler.stop()
    record.egress = held.machine?.traffic() ?? []
    timeline.emit({ type: 'verdict', ...outcome })
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

async function live(life: JobLife, held: Held, startClock: () => void): Promise<Outcome> {
  const { order, phase, signal } = life
  try {
    checkNetwork(order)
    checkSteps(order)
    const image = await phase('image', () => ensureImage(life))
    noteUnmaskable(life)
    startClock()
    const booted = await phase('boot', () => bootJobMachine(life, image))
    held.machine = booted.machine
    void booted.machine.ended.then(() => {
      held.isGone = true
    })
    return await work(life, booted)
  } catch (error) {
    return outcomeOf(order.signal.aborted ? cancelReason(order.signal) : reasonOf(error, signal))
  }
}

async function work(life: JobLife, { machine, setup, preparation }: JobMachine): Promise<Outcome> {
  const { job, secrets } = life.order
  let outcome: Outcome
  try {
    if (setup !== undefined)
      await life.phase('setup', () => setupPhase({ life, machine, setup, preparation }))
    await life.phase('upload', () => uploadPhase(life, machine))
    if (Object.keys(secrets).length > 0) await machine.addSecrets(secrets, life.signal)
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

/** Plain outbound reaches this host's own loopback through SLIRP, so it is never given by accident. */
function checkNetwork({ job, host }: JobOrder): void {
  if (job.network !== 'internet' || host.network.internet === 'accept-risk') return
  throw new ConfigError(
    "the job asks for `network: internet`, which this host refuses: such a machine reaches the host's own services and its LAN",
    { hint: 'use `network: web`, or set `network: { internet: accept-risk }` in the host file' },
  )
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
    hint: 'put several lines into one step, or raise `limits: { steps: … }` in the host file',
  })
}

function cancelReason(signal: AbortSignal): unknown {
  return signal.reason instanceof Cancelled ? signal.reason : new Cancelled('the job was cancelled')
}

function phaseTimer(timeline: Timeline, signal: AbortSignal): JobLife['phase'] {
  return async (phase, run) => {
    const started = performance.now()
    timeline.emit({ type: 'phase-started', phase })
    try {
      return await run()
    } catch (error) {
      if (error !== signal.reason || !(error instanceof TimedOut)) throw error
      throw new TimedOut(error.message, { where: `in phase ${phase}` })
    } finally {
      timeline.emit({ type: 'phase-ended', phase, ms: Math.round(performance.now() - started) })
    }
  }
}
