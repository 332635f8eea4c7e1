import { randomBytes } from 'node:crypto'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { formatDuration } from '../../config/duration.ts'
import { InfraError } from '../../config/errors.ts'
import { ownIdentity } from '../../images/process-identity.ts'
import { useImage } from '../../images/shelf/use-markers.ts'
import { createWayOut } from '../egress/create-way-out.ts'
import { makeKeyPair } from '../keys/key-pair.ts'
import { ConsoleReader } from '../logs/console-reader.ts'
import { macAddress } from '../qemu/mac-address.ts'
import { qemuArgs } from '../qemu/qemu-args.ts'
import { defaultMachine, type QemuSpec } from '../qemu/qemu-spec.ts'
import { spawnQemu } from '../qemu/spawn-qemu.ts'
import { Scope } from '../scope.ts'
import { hasCustomUserData, makeSeed } from '../seed/seed.ts'
import { createBootBudget } from './boot-budget.ts'
import { bootGates } from './boot-gates.ts'
import type { BootOrder } from './boot-order.ts'
import { checkMemory } from './check-memory.ts'
import { createOverlay } from './create-overlay.ts'
import { endError } from './end-error.ts'
import { type MachinePaths, machinePaths } from './filenames.ts'
import type { Machine, MachineFacts } from './machine.ts'
import { writeMachineRecord } from './machine-record.ts'
import { GateError, passGates } from './pass-gates.ts'
import { prepareFirmware } from './prepare-firmware.ts'
import { QemuMachine } from './qemu-machine.ts'
import { makeRunFolder } from './run-folder.ts'

/** Room that has to be free where the machine's disk will grow. */
const leastFreeDisk = 256 * 2 ** 20

/**
 * Starts a machine from cold: overlay, keys, seed CD, QEMU, then the gates until an authenticated login has read the
 * machine's nonce. Whatever fails, nothing of the machine is left.
 *
 * Throws InfraError with its class, or the signal's reason.
 */
export async function bootMachine(order: BootOrder): Promise<Machine> {
  const scope = new Scope()
  try {
    return await start(order, scope)
  } catch (error) {
    await scope.close()
    throw error
  }
}

async function start(order: BootOrder, scope: Scope): Promise<Machine> {
  const { id, image, resources, host, dataFolder, signal } = order
  const uid = userInfo().uid
  const paths = machinePaths({ dataFolder, id, env: process.env, uid, runDir: host.runDir })
  signal.throwIfAborted()
  await checkMemory(resources.memory)
  const owner = ownIdentity()
  await makeFolders({ paths, uid, scope })
  await writeMachineRecord(paths.record, { id, owner, runFolder: paths.runFolder })
  await checkFreeDisk(paths.folder)
  const disk = await createOverlay({ image, path: paths.overlay, disk: resources.disk, signal })
  const jobKey = makeKeyPair(id)
  const hostKey = makeKeyPair(`${id}-host`)
  const nonce = randomBytes(16).toString('hex')
  const userData = [image.profile.userData, order.userData]
  const { user, seed, firmware } = image.profile
  const mac = macAddress(id)
  const seedSpec = { machineId: id, hostname: id, user, publicKey: jobKey.publicKey, hostKey, nonce, seed }
  await writeFile(paths.seed, makeSeed({ ...seedSpec, userData, macs: [mac] }), { mode: 0o600 })
  const spec = qemuSpec({ order, paths, mac, firmware: await prepareFirmware(firmware, paths.firmwareVars) })
  const use = await useImage(image, { machineId: id, process: owner })
  await scope.defer('image use', () => use.release())

  const reader = new ConsoleReader({ file: paths.console, limit: host.limits.consoleBytes })
  await scope.defer('console reader', () => reader.close())
  reader.listen(order.onConsole)
  const fileSize = Math.max(disk, resources.memory) * 1.1 + 2 ** 30
  const args = qemuArgs(spec)
  const qemu = await spawnQemu({
    binary: order.qemu.binary,
    args,
    fileSize: Math.ceil(fileSize),
    logFile: paths.qemuLog,
  })
  await scope.defer('QEMU', async () => {
    qemu.kill('SIGKILL')
    await qemu.exited
  })
  await writeMachineRecord(paths.record, { id, owner, qemu: qemu.identity, runFolder: paths.runFolder })
  const facts: Omit<MachineFacts, 'gates' | 'sshPort'> = {
    image: image.name,
    imageDigest: image.digest,
    accel: order.accel.accel,
    accelReason: order.accel.reason,
    strategy: 'cold',
    cpus: resources.cpus,
    memory: resources.memory,
    disk,
    network: order.network,
    pid: qemu.pid,
    keyFingerprint: jobKey.fingerprint,
    customUserData: hasCustomUserData(userData),
  }
  const login = { user, privateKey: jobKey.privateKey, hostKey: hostKey.publicKey }
  const wayOut = createWayOut(order)
  const machine = new QemuMachine({
    id,
    facts,
    qemu,
    qmpSocket: paths.qmpSocket,
    reader,
    login,
    scope,
    host,
    wayOut,
    onNote: order.onNote,
  })
  try {
    await passBootGates({ order, machine, reader, nonce })
  } catch (error) {
    await machine.destroy('now')
    throw error
  }
  return machine
}

async function makeFolders({ paths, uid, scope }: { paths: MachinePaths; uid: number; scope: Scope }) {
  await scope.defer('machine folder', () => rm(paths.folder, { recursive: true, force: true }))
  await mkdir(paths.folder, { recursive: true, mode: 0o700 })
  await scope.defer('run folder', () => rm(paths.runFolder, { recursive: true, force: true }))
  await makeRunFolder({ folder: paths.runFolder, uid })
}

async function checkFreeDisk(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= leastFreeDisk) return
  throw new InfraError(
    'host-disk-full',
    `expected at least 256 MiB free in ${folder}, found ${Math.floor((bavail * bsize) / 2 ** 20)} MiB`,
    {
      hint: 'free space there (mayfly images gc), or choose another folder with --data',
    },
  )
}

type SpecParts = { order: BootOrder; paths: MachinePaths; mac: string; firmware: QemuSpec['firmware'] }

function qemuSpec({ order, paths, mac, firmware }: SpecParts): QemuSpec {
  const { id, image, resources, network, accel } = order
  const { diskBus, nic } = image.profile
  return {
    name: id,
    accel: accel.accel,
    machine: defaultMachine,
    cpu: accel.accel === 'kvm' ? 'host' : 'max',
    cpus: resources.cpus,
    memory: resources.memory,
    firmware,
    disk: { path: paths.overlay, bus: diskBus, format: 'qcow2' },
    seed: paths.seed,
    network: { mode: network, nic, mac },
    extraNics: [],
    kernel: image.kernel,
    sockets: { qmp: paths.qmpSocket, serial: paths.serialSocket },
    serialLog: paths.console,
  }
}

type BootGates = { order: BootOrder; machine: QemuMachine; reader: ConsoleReader; nonce: string }

async function passBootGates({ order, machine, reader, nonce }: BootGates): Promise<void> {
  const { host, signal, onGate } = order
  const started = performance.now()
  const budget = createBootBudget({ pid: machine.pid, console: reader, ...host.boot })
  const both = AbortSignal.any([signal, budget.signal, machine.gone])
  try {
    machine.facts.gates.push(
      ...(await passGates({ gates: bootGates({ machine, nonce }), signal: both, onGate })),
    )
  } catch (error) {
    signal.throwIfAborted()
    throw await bootFault({ order, machine, reader, error, ms: performance.now() - started })
  } finally {
    budget.end()
  }
}

type BootFault = { order: BootOrder; machine: QemuMachine; reader: ConsoleReader; error: unknown; ms: number }

// One sentence that says why, from the most telling to the least: the console, the machine's end, the gate itself.
async function bootFault({ order, machine, reader, error, ms }: BootFault): Promise<InfraError> {
  const end = await machine.endWithin(500)
  const lines = reader.tail(40)
  order.onNote(
    lines.length === 0 ? 'the console stayed empty' : `the last lines of the console:\n${lines.join('\n')}`,
  )
  if (end !== undefined && end.kind !== 'stopped') {
    const { class: failure, message, hint } = endError(end)
    return new InfraError(
      failure === 'machine-died' ? 'boot' : failure,
      `the machine did not boot: ${message}`,
      { hint },
    )
  }
  const finding = machine.findings.at(-1)
  const gate = error instanceof GateError ? error.gate : undefined
  const why =
    finding === undefined ? (error instanceof Error ? error.message : String(error)) : finding.sentence
  const failure = finding?.kind === 'guest-panic' || finding?.kind === 'guest-oom' ? finding.kind : 'boot'
  return new InfraError(
    failure,
    `the machine did not pass gate ${gate?.name ?? '?'} in ${formatDuration(ms)}: ${why}`,
    {
      hint: finding?.hint ?? gate?.hint,
      cause: error,
    },
  )
}
