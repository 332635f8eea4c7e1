import { join } from 'node:path'
import type { ShelfImage } from '../../images/image.ts'
import { chooseUser } from '../confinement/choose-user.ts'
import { describeConfinement } from '../confinement/describe-confinement.ts'
import { cgroupVerdict } from '../confinement/probe-cgroup.ts'
import { removeCgroup } from '../confinement/remove-cgroup.ts'
import { createWayOut } from '../egress/create-way-out.ts'
import type { Prepared } from '../guest/guest-session.ts'
import { ConsoleReader } from '../logs/console-reader.ts'
import { hasOwnNetwork } from '../own-network/has-own-network.ts'
import { qemuArgs } from '../qemu/qemu-args.ts'
import type { QemuSpec } from '../qemu/qemu-spec.ts'
import { spawnQemu } from '../qemu/spawn-qemu.ts'
import type { Scope } from '../scope.ts'
import { hasCustomUserData } from '../seed/seed.ts'
import type { BootOrder } from './boot-order.ts'
import type { MachineFacts } from './machine.ts'
import type { MachineParts } from './machine-parts.ts'
import { writeMachineRecord } from './machine-record.ts'
import { QemuMachine } from './qemu-machine.ts'

type Launch = {
  order: BootOrder
  parts: MachineParts
  spec: QemuSpec
  /** bytes, as the guest sees it */
  disk: number
  strategy: MachineFacts['strategy']
  /** Its image, and what else it stands on. */
  uses: readonly Pick<ShelfImage, 'name' | 'disk'>[]
  /** An open file that QEMU inherits as descriptor 3. */
  inherited?: number
  prepared?: Prepared | undefined
  scope: Scope
}

/** Pages of its files count as the group's too, while there is room. */
const memorySlack = 1.1

/** Starts QEMU and gives the machine around it, which nobody has talked to yet. */
export async function launchMachine(launch: Launch): Promise<QemuMachine> {
  const { order, parts, spec, disk, strategy, uses, inherited, prepared, scope } = launch
  const { id, image, resources, host, accel } = order
  const { paths, owner, promised, jobKey, hostKey } = parts
  const reader = new ConsoleReader({ file: paths.console, limit: host.limits.consoleBytes })
  await scope.defer('console reader', () => reader.close())
  reader.listen((chunk) => order.onConsole(chunk))
  const cgroup = await cgroupVerdict()
  const limits = cgroup.can ? { name: id, memory: promised * memorySlack, cpus: resources.cpus } : undefined
  if (cgroup.can) await scope.defer('control group', () => removeCgroup(join(cgroup.parent, id)))
  const ownNetwork = hasOwnNetwork(order.network, host)
  const { user, words } = await chooseUser({
    ...{ paths, spec, bases: uses.map((use) => use.disk) },
    ...{ scope, signal: order.signal },
  })
  const qemu = await spawnQemu({
    binary: order.qemu.binary,
    args: qemuArgs(spec),
    fileSize: Math.ceil(Math.max(disk, resources.memory) * 1.1 + 2 ** 30),
    logFile: paths.qemuLog,
    inherited,
    ownNetwork: ownNetwork ? paths.runFolder : undefined,
    cgroup: limits,
    user,
    kept: order.mayOutlive === true ? paths : undefined,
  })
  await scope.defer('QEMU', async () => {
    qemu.kill('SIGKILL')
    await qemu.exited
  })
  const { runFolder } = paths
  const cloned = spec.memoryFile?.use === 'private'
  await writeMachineRecord(paths.record, { id, owner, qemu: qemu.identity, runFolder, promised, cloned })
  const machine = new QemuMachine({
    id,
    facts: {
      image: image.name,
      imageDigest: image.digest,
      accel: accel.accel,
      accelReason: accel.reason,
      strategy,
      strategyReason: order.strategyReason,
      templateFailed: order.templateFailed === true,
      checkpoint: order.checkpoint,
      cpus: resources.cpus,
      memory: resources.memory,
      disk,
      network: order.network,
      confinement: describeConfinement({ user: words, cgroup, hasOwnNetwork: ownNetwork }),
      pid: qemu.pid,
      keyFingerprint: jobKey.fingerprint,
      customUserData: hasCustomUserData([image.profile.userData, order.userData]),
    },
    qemu,
    ...{ spec, paths, subject: order, uses },
    mayOutlive: order.mayOutlive === true,
    reader,
    login: { user: image.profile.user, privateKey: jobKey.privateKey, hostKey: hostKey.publicKey },
    scope,
    host,
    wayOut: createWayOut(order),
    prepared,
    onNote: order.onNote,
  })
  order.onLaunched?.(machine)
  return machine
}
