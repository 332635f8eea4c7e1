import type { ConsoleFinding } from '../logs/console-watch.ts'
import { withoutTimestamp } from '../logs/without-timestamp.ts'
import type { QmpEvent } from '../qemu/qmp-message.ts'
import type { QemuExit } from '../qemu/spawn-qemu.ts'
import type { MachineEnd } from './machine.ts'

/** What is seen of a machine from outside, from which alone its end is judged. */
export type Sightings = {
  /** `reason` of QEMU's SHUTDOWN event, such as guest-shutdown */
  shutdown: string | undefined
  panicked: boolean
  hostDiskFull: boolean
  stopping: boolean
  findings: ConsoleFinding[]
}

export function createSightings(): Sightings {
  return { shutdown: undefined, panicked: false, hostDiskFull: false, stopping: false, findings: [] }
}

/** Notes what a QMP event says; gives the end where the event alone is one. */
export function noteEvent(seen: Sightings, { name, data }: QmpEvent): MachineEnd | undefined {
  if (name === 'SHUTDOWN') seen.shutdown = String(data.reason)
  if (name === 'GUEST_PANICKED') seen.panicked = true
  if (name === 'BLOCK_IO_ERROR' && data.nospace === true) {
    seen.hostDiskFull = true
    return {
      kind: 'host-disk-full',
      message: 'the disk of this host is full, so the machine could not write to its own',
    }
  }
  return undefined
}

/** Why QEMU is gone, once it is. */
export function endOf(seen: Sightings, exit: QemuExit): MachineEnd {
  if (seen.stopping) return { kind: 'stopped' }
  const oom = seen.findings.find(({ kind }) => kind === 'guest-oom')
  const panic = seen.findings.find(({ kind }) => kind === 'guest-panic' || kind === 'root-not-found')
  if (panic !== undefined || seen.panicked || seen.shutdown === 'guest-panic') {
    const kind = oom === undefined ? 'guest-panic' : 'guest-oom'
    return { kind, message: sentence(oom ?? panic, "the guest's kernel panicked") }
  }
  if (seen.shutdown === 'guest-shutdown')
    return { kind: 'powered-off', message: 'the guest powered itself off' }
  if (seen.shutdown === 'guest-reset') return { kind: 'powered-off', message: 'the guest rebooted itself' }
  const how = exit.signal === undefined ? `ended with code ${exit.code}` : `was killed by ${exit.signal}`
  const said = exit.stderr.trim().split('\n').at(-1)
  const killer = exit.signal === undefined ? {} : { signal: exit.signal }
  return { kind: 'killed', message: `QEMU ${how}${said ? `: ${said}` : ''}`, ...killer }
}

function sentence(finding: ConsoleFinding | undefined, otherwise: string): string {
  return finding === undefined ? otherwise : `${finding.sentence}: ${withoutTimestamp(finding.line)}`
}
