import { formatDuration } from '../../config/duration.ts'
import { formatSize } from '../../config/size.ts'
import type { ShelfImage } from '../../images/image.ts'
import { workFolder } from '../guest/guest-paths.ts'
import type { Machine, MachineFacts, Preparation } from '../machine/machine.ts'
import { describeCheckpoint } from './describe-checkpoint.ts'
import { jobEnvironment } from './job-environment.ts'
import type { JobLife } from './job-life.ts'
import { type JobSetup, prepareSetup } from './prepare-setup.ts'
import { resolveResources } from './resolve-resources.ts'
import type { Timeline } from './timeline.ts'

/** A job's machine, ready for what comes first in it. */
export type JobMachine = {
  readonly machine: Machine
  /** What the steps are to find. */
  readonly preparation: Preparation
  readonly setup: JobSetup | undefined
}

/** Starts the job's machine, makes it ready and writes the log's header, which says how it was started. */
export async function bootJobMachine(life: JobLife, image: ShelfImage): Promise<JobMachine> {
  const { order, timeline, sampler, console, signal } = life
  const { job, host, context } = order
  if (image.provenance !== undefined) timeline.emit({ type: 'image', image: image.provenance })
  const workdir = workFolder(image.profile.user)
  const preparation = { workdir, env: jobEnvironment(job.env, context) }
  const setup = await prepareSetup(life, image)
  const machine = await order.startMachine({
    id: machineId(context.jobId),
    image,
    resources: resolveResources({ job: job.resources, image: image.profile.resources, host: host.resources }),
    network: job.network,
    userData: job.userData,
    preparation: setup === undefined || setup.order !== undefined ? preparation : setup.preparation,
    setup: setup?.order,
    checkpoint: setup?.checkpoint,
    signal,
    onGate: (gate) => timeline.emit({ type: 'gate', ...gate, ms: Math.round(gate.ms) }),
    onNote: (message) => timeline.emit({ type: 'note', message }),
    onConsole: (chunk, of) => {
      timeline.console(chunk)
      if (of !== 'template') console.push(chunk)
    },
    onLaunched: (launched) => sampler.follow(launched),
  })
  sampler.adopt(machine)
  try {
    const isSetUp = setup === undefined || machine.facts.checkpoint?.state === 'restored'
    await machine.prepare(isSetUp ? preparation : setup.preparation, signal)
    await tellMachine(timeline, machine.facts)
    return { machine, preparation, setup }
  } catch (error) {
    await machine.destroy('now')
    throw error
  }
}

/** Says in timeline and log which machine it is and how it was started. */
export async function tellMachine(timeline: Timeline, facts: MachineFacts): Promise<void> {
  timeline.emit({ type: 'machine', facts })
  if (facts.checkpoint !== undefined)
    timeline.emit({ type: 'note', message: describeCheckpoint(facts.checkpoint) })
  await timeline.log(undefined, Buffer.from(logHeader(facts)))
}

/** One machine for each attempt at a job, named after it. */
function machineId(jobId: string): string {
  return (
    jobId
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, '-')
      .slice(0, 60)
      .replace(/^-+|-+$/g, '') || 'job'
  )
}

function logHeader(facts: MachineFacts): string {
  const {
    image,
    imageDigest,
    cpus,
    memory,
    disk,
    network,
    strategy,
    strategyReason,
    accel,
    accelReason,
    gates,
    confinement,
  } = facts
  const total = gates.reduce((sum, { ms }) => sum + ms, 0)
  const times = gates.map(({ name, ms }) => `${name} ${formatDuration(ms)}`).join(', ')
  return [
    `image ${image} ${imageDigest.slice(0, 19)}, ${cpus} cpus, ${formatSize(memory)} memory, ${formatSize(disk)} disk, network ${network}`,
    `${strategy} start with ${accel} (${accelReason}) in ${formatDuration(total)}: ${times}`,
    ...(confinement === undefined ? [] : [`QEMU: ${confinement}`]),
    ...(strategyReason === undefined ? [] : [`not faster: ${strategyReason}`]),
    ...(facts.checkpoint === undefined ? [] : [describeCheckpoint(facts.checkpoint)]),
    `job key ${facts.keyFingerprint}, custom user-data: ${facts.customUserData ? 'yes' : 'no'}`,
  ]
    .map((line) => `[mayfly] ${line}\n`)
    .join('')
}
