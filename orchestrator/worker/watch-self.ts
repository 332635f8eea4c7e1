import { statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import { packageVersion } from '../../images/package-version.ts'
import type { Shelf } from '../../images/shelf.ts'
import { protocol } from '../hosts/protocol.ts'
import type { HostStatus } from '../model/queue-view.ts'
import { findAccel } from './find-accel.ts'
import { listHoldings } from './list-holdings.ts'

type Facts = Pick<
  HostStatus,
  | 'computer'
  | 'labels'
  | 'architecture'
  | 'accel'
  | 'qemu'
  | 'version'
  | 'protocol'
  | 'disk'
  | 'holds'
  | 'clock'
>

/** What this host is and has, beside its room for machines. */
export type Self = {
  /** As it was last looked at; costs nothing. */
  facts(): Facts
  /** Sorted. `kvm` joins them once it is proven, which needs an image to prove it with. */
  labels(): readonly string[]
  /** What it holds may have changed: it is looked at again soon. */
  touch(): void
  close(): Promise<void>
}

type WatchSelf = {
  readonly host: Pick<HostConfig, 'name' | 'labels' | 'accel' | 'defaultImage'>
  readonly dataFolder: string
  readonly shelf: Pick<Shelf, 'resolve' | 'list'>
  readonly log: Pick<Logger, 'info' | 'debug'>
  /** ms between two looks. @defaultValue a minute */
  readonly every?: number
  /** ms from a touch to the look. @defaultValue 15 s */
  readonly soon?: number
}

const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }

/** Looks at this host now and then, for a heartbeat has no time to. Has looked once when it resolves. */
export async function watchSelf(options: WatchSelf): Promise<Self> {
  const { host, dataFolder, shelf, log, every = 60_000, soon = 15_000 } = options
  const architecture = architectures[process.arch] ?? process.arch
  const fixed = {
    ...{ computer: host.name ?? hostname(), architecture, version: packageVersion(), protocol },
  }
  const ending = new AbortController()
  let touched = new AbortController()
  let seen: Facts = { ...fixed, labels: labelsOf({ host, architecture, isKvmProven: false }) }
  const look = async () => {
    const { isKvmProven, accel, qemu } = await findAccel({ host, dataFolder, shelf, signal: ending.signal })
    // What was proven stays so while the image that proved it is away.
    const wasProven = accel?.kind === 'kvm' && (seen.labels?.includes('kvm') ?? false)
    const labels = labelsOf({ host, architecture, isKvmProven: isKvmProven || wasProven })
    if (labels.join() !== seen.labels?.join()) log.info({ labels }, 'the labels of this host')
    const [disk, holds] = await Promise.all([diskOf(dataFolder), listHoldings({ dataFolder, shelf })])
    seen = { ...fixed, labels, accel, qemu, disk, holds }
  }
  const tryLook = () => look().catch((err: unknown) => log.debug({ err }, 'this host could not be looked at'))
  const run = async () => {
    while (!ending.signal.aborted) {
      const wake = touched.signal
      await sleep(every, undefined, { signal: wake }).catch(() => undefined)
      if (wake.aborted) await sleep(soon, undefined, { signal: ending.signal }).catch(() => undefined)
      if (wake.aborted) touched = new AbortController()
      if (!ending.signal.aborted) await tryLook()
    }
  }
  await tryLook()
  const running = run()
  return {
    facts: () => ({ ...seen, clock: new Date().toISOString() }),
    labels: () => seen.labels ?? [],
    touch: () => touched.abort(),
    close: async () => {
      ending.abort()
      touched.abort()
      await running
    },
  }
}

type Labels = {
  host: Pick<HostConfig, 'labels'>
  architecture: string
  isKvmProven: boolean
}

function labelsOf({ host, architecture, isKvmProven }: Labels): string[] {
  return [...new Set([...host.labels, architecture, ...(isKvmProven ? ['kvm'] : [])])].sort()
}

async function diskOf(folder: string): Promise<HostStatus['disk']> {
  const disk = await statfs(folder).catch(() => undefined)
  return disk && { total: disk.blocks * disk.bsize, free: disk.bavail * disk.bsize }
}
