import { userInfo } from 'node:os'
import { join } from 'node:path'
import { InfraError } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import { withLock } from '../../images/lock.ts'
import { isAlive, ownIdentity, type ProcessIdentity } from '../../images/process-identity.ts'
import { useImage } from '../../images/shelf/use-markers.ts'
import { cgroupVerdict } from '../confinement/probe-cgroup.ts'
import { removeCgroup } from '../confinement/remove-cgroup.ts'
import { createWayOut } from '../egress/create-way-out.ts'
import type { EgressRecord } from '../egress/egress-record.ts'
import { type Keepsake, removeKeepsake } from '../keeper/keepsake.ts'
import { keptProcess } from '../keeper/kept-process.ts'
import { readLease, writeLease } from '../keeper/lease.ts'
import { ConsoleReader } from '../logs/console-reader.ts'
import { Scope } from '../scope.ts'
import { deferFolders } from './defer-folders.ts'
import { type MachinePaths, machinePaths, memoryLock } from './filenames.ts'
import type { Orphan } from './find-orphans.ts'
import { readMachineRecord, writeMachineRecord } from './machine-record.ts'
import { QemuMachine } from './qemu-machine.ts'

export type AdoptMachine = {
  readonly orphan: Orphan
  readonly host: HostConfig
  readonly dataFolder: string
  readonly signal: AbortSignal
  readonly onNote: (text: string) => void
  /** Hears what the console printed since its last listener heard it. */
  readonly onConsole: (chunk: Buffer) => void
  /** Bytes before that which are to be heard once more. @defaultValue 0 */
  readonly rewind?: number
  /** What went over its egress proxy before. @defaultValue nothing */
  readonly egress?: readonly EgressRecord[]
}

/**
 * Takes up a machine that outlived its process: this one answers for it from now on, on the same terms. QEMU has to
 * answer; the guest is logged in to when somebody asks for it.
 *
 * Throws InfraError `host-lost` that says why where it cannot be; it is then gone, or somebody else has it.
 */
export async function adoptMachine(adopt: AdoptMachine): Promise<QemuMachine> {
  const { orphan, host, dataFolder, signal } = adopt
  const { id, record, keepsake, runs } = orphan
  if (!runs || record.qemu === undefined) throw lost('it ended while nobody looked after it')
  if (keepsake === undefined) throw lost('how to log in to it was not kept')
  const paths = machinePaths({
    ...{ dataFolder, id, env: process.env, uid: userInfo().uid },
    runDir: host.runDir,
  })
  // Its sockets lie where the one before put them, whatever the host file says by now.
  const places = placesOf(paths, record.runFolder)
  await takeOver({ dataFolder, paths: places, id, signal })
  const scope = new Scope()
  try {
    return await takeUp({ adopt, scope, paths: places, keepsake, qemu: record.qemu })
  } catch (error) {
    await scope.close()
    signal.throwIfAborted()
    throw lost(error instanceof Error ? error.message : String(error))
  }
}

type TakeUp = {
  readonly adopt: AdoptMachine
  readonly scope: Scope
  readonly paths: MachinePaths
  readonly keepsake: Keepsake
  readonly qemu: ProcessIdentity
}

async function takeUp({ adopt, scope, paths, keepsake, qemu }: TakeUp): Promise<QemuMachine> {
  const { orphan, host, signal, onNote, onConsole, rewind = 0, egress = [] } = adopt
  const { id } = orphan
  await deferFolders(paths, scope)
  await scope.defer('keepsake', () => removeKeepsake(id))
  for (const disk of keepsake.uses) {
    const use = await useImage(disk, { machineId: id, process: qemu })
    await scope.defer('use', () => use.release())
  }
  const reader = new ConsoleReader({ file: paths.console, limit: host.limits.consoleBytes })
  await scope.defer('console reader', () => reader.close())
  reader.listen(onConsole, keepsake.consoleRead - rewind)
  const cgroup = await cgroupVerdict()
  if (cgroup.can) await scope.defer('control group', () => removeCgroup(join(cgroup.parent, id)))
  const process = keptProcess({ identity: qemu, logFile: paths.qemuLog, exitFile: paths.exit })
  await scope.defer('QEMU', async () => {
    process.kill('SIGKILL')
    await process.exited
  })
  const { facts, login, spec, subject, uses, prepared, proxyPort } = keepsake
  const machine = new QemuMachine({
    ...{ id, facts, login, spec, subject, uses, prepared, host, reader, scope, onNote, paths },
    ...{ isAdopted: true, mayOutlive: true, qemu: process, egress },
    wayOut: createWayOut({ network: facts.network, host, onNote, port: proxyPort }),
  })
  await machine.connectQmp(signal)
  await machine.qmp.execute('query-status', undefined, { signal })
  return machine
}

type TakeOver = { dataFolder: string; paths: MachinePaths; id: string; signal: AbortSignal }

/** Of several that would take it up, one does. */
async function takeOver({ dataFolder, paths, id, signal }: TakeOver): Promise<void> {
  await withLock({ path: memoryLock(dataFolder), signal }, async () => {
    const record = await readMachineRecord(paths.record)
    if (record === undefined || isAlive(record.owner)) throw lost(`machine ${id} is another's by now`)
    const lease = await readLease(paths.lease)
    if (lease === undefined) throw lost('its lease was not kept')
    await writeMachineRecord(paths.record, { ...record, owner: ownIdentity() })
    await writeLease(paths.lease, lease)
  })
}

function placesOf(paths: MachinePaths, runFolder: string): MachinePaths {
  const moved = Object.entries(paths).map(([name, path]) => [name, path.replace(paths.runFolder, runFolder)])
  return Object.fromEntries(moved) as MachinePaths
}

function lost(why: string): InfraError {
  return new InfraError('host-lost', `its machine could not be taken up again: ${why}`)
}
