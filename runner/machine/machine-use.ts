import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { EgressRecord } from '../egress/egress-record.ts'
import type { OwnTraffic } from '../own-network/read-own-traffic.ts'
import type { Qmp } from '../qemu/qmp.ts'
import type { QemuProcess } from '../qemu/spawn-qemu.ts'
import { cpuTime } from './cpu-time.ts'
import type { MachineUse } from './machine.ts'

type Metered = {
  readonly qemu: Pick<QemuProcess, 'pid' | 'exited'>
  /** Undefined until QEMU answers. */
  readonly qmp: () => Pick<Qmp, 'execute'> | undefined
  /** Of its egress proxy; undefined where it has none. */
  readonly traffic: (() => readonly EgressRecord[]) | undefined
  /** Of its own network; undefined where it has none. */
  readonly ownTraffic?: (() => Promise<OwnTraffic | undefined>) | undefined
}

type Disk = Pick<MachineUse, 'diskRead' | 'diskWritten'>

/** A QEMU that stands still does not answer; what it said last counts then. */
const patienceMs = 500

/**
 * Makes what reads a machine's counters from outside: processor time and memory of the QEMU process from /proc, the
 * guest's disk from QEMU, the network from the proxy or from the machine's own network. Of memory, all that is resident
 * counts, pages of a template that were only read included, and what was swapped out.
 */
export function createMeter({
  qemu,
  qmp,
  traffic,
  ownTraffic,
}: Metered): () => Promise<MachineUse | undefined> {
  let isGone = false
  let memoryPeak = 0
  // Its pid may be another's by then.
  void qemu.exited.then(() => {
    isGone = true
  })
  const readDisk = createDiskMeter(qmp)
  return async () => {
    const cpuMs = cpuTime(qemu.pid)
    const [status, disk, own] = await Promise.all([
      readFile(`/proc/${qemu.pid}/status`, 'latin1').catch(() => ''),
      readDisk(),
      ownTraffic?.(),
    ])
    const resident = readField(status, 'VmRSS')
    if (isGone || cpuMs === undefined || resident === undefined) return undefined
    const memory = resident + (readField(status, 'VmSwap') ?? 0)
    // The kernel counts for each processor and adds up now and then, so its peak can be less than what was seen before.
    memoryPeak = Math.max(memoryPeak, memory, readField(status, 'VmHWM') ?? 0)
    return { cpuMs, memory, memoryPeak, ...disk, ...(own ?? sumOf(traffic?.())) }
  }
}

function createDiskMeter(qmp: Metered['qmp']): () => Promise<Disk> {
  let last: Disk = { diskRead: 0, diskWritten: 0 }
  let asking: Promise<unknown> | undefined
  const ask = async () => {
    try {
      last = diskOf(await qmp()?.execute('query-blockstats')) ?? last
    } catch {
      // It is going, or stands still; neither is for a meter to tell.
    } finally {
      asking = undefined
    }
  }
  return async () => {
    // One question at a time, so that they do not pile up before a QEMU that stands still.
    if (asking === undefined) {
      asking = ask()
      await Promise.race([asking, sleep(patienceMs, undefined, { ref: false })])
    }
    return last
  }
}

const blockStats = z.array(
  z.object({
    device: z.string().optional(),
    stats: z.object({ rd_bytes: z.number(), wr_bytes: z.number() }),
  }),
)

/** Of the drive that `diskArgs` calls d0, and not of the seed CD. */
function diskOf(answer: unknown): Disk | undefined {
  const disk = blockStats.safeParse(answer).data?.find(({ device }) => device === 'd0')
  return disk && { diskRead: disk.stats.rd_bytes, diskWritten: disk.stats.wr_bytes }
}

function sumOf(records: readonly EgressRecord[] | undefined) {
  if (records === undefined) return { netSent: undefined, netReceived: undefined }
  const sum = (key: 'bytesSent' | 'bytesReceived') => records.reduce((total, one) => total + one[key], 0)
  return { netSent: sum('bytesSent'), netReceived: sum('bytesReceived') }
}

// A zombie has no memory, and no such lines.
function readField(status: string, name: string): number | undefined {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
}
