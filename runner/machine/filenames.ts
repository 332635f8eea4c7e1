import { statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../../config/errors.ts'

/** Every on-disk name of one machine. All paths are absolute. */
export type MachinePaths = {
  /** `<data>/machines/<id>`, gone when the machine is. */
  readonly folder: string
  readonly overlay: string
  readonly seed: string
  /** The boot console as the guest wrote it. */
  readonly console: string
  readonly qemuLog: string
  /** What is needed to find the machine again. */
  readonly record: string
  /** For its keeper: how long it may outlive us. */
  readonly lease: string
  /** Where its keeper leaves how QEMU ended. */
  readonly exit: string
  /** This machine's own UEFI variables, where its image boots through UEFI. */
  readonly firmwareVars: string
  /** Holds the sockets and lies in a short place, see `makeRunFolder`. */
  readonly runFolder: string
  readonly qmpSocket: string
  readonly serialSocket: string
  /** The host's end of the port by which a frozen machine is told who it is. */
  readonly controlSocket: string
  /** Where slirp4netns is told what to do, of a machine with a network of its own. */
  readonly networkSocket: string
  /** Where a machine that is frozen sends its state. */
  readonly stateSocket: string
}

type MachinePlace = {
  readonly dataFolder: string
  /** 1 to 63 of a-z, 0-9 and `-`. */
  readonly id: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly uid: number
  /** The host file's `run_dir`, in the place of the folder that is picked here. */
  readonly runDir?: string | undefined
}

/**
 * Where a machine keeps its files.
 *
 * @throws {ConfigError} on an id that is no file name, or when a socket's path would be too long
 */
export function machinePaths({ dataFolder, id, env, uid, runDir }: MachinePlace): MachinePaths {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id)) {
    throw new ConfigError(`Expected a machine id of 1 to 63 of a-z, 0-9 and -, got ${JSON.stringify(id)}`)
  }
  const folder = join(machinesFolder(dataFolder), id)
  const runFolder = join(runDir ?? runParent({ id, env, uid }), id)
  return {
    folder,
    overlay: join(folder, 'overlay.qcow2'),
    seed: join(folder, 'seed.iso'),
    console: join(folder, 'console.raw'),
    qemuLog: join(folder, 'qemu.log'),
    record: join(folder, machineRecordName),
    lease: join(folder, leaseName),
    exit: join(folder, 'exit'),
    firmwareVars: join(folder, 'firmware-vars.fd'),
    runFolder,
    qmpSocket: checkedSocket(join(runFolder, 'qmp.sock')),
    serialSocket: checkedSocket(join(runFolder, 'serial.sock')),
    controlSocket: checkedSocket(join(runFolder, longestSocket)),
    networkSocket: checkedSocket(join(runFolder, 'net.sock')),
    stateSocket: checkedSocket(join(runFolder, 'state.sock')),
  }
}

/** The folder with one folder for each machine. */
export function machinesFolder(dataFolder: string): string {
  return join(dataFolder, 'machines')
}

/** Held while one machine's memory is promised to it. */
export function memoryLock(dataFolder: string): string {
  return join(dataFolder, 'memory.lock')
}

export const machineRecordName = 'machine.json'
export const leaseName = 'lease'

/** In the run folder of a machine that is kept for whoever ran it: how to log in, and what is kept there. */
export const loginKeyName = 'login-key'
export const knownHostsName = 'known_hosts'
export const keptName = 'kept.json'

const longestSocket = 'control.sock'

/** Bytes of `sun_path` without its final NUL (unix(7)); what is longer cannot be connected to. */
const longestPath = 107

/** The folder above the run folders: the data folder may be called anything, so the sockets never lie in it. */
export function runParent({ id, env, uid }: Omit<MachinePlace, 'dataFolder' | 'runDir'>): string {
  if (uid === 0) return '/run/mayfly'
  const session = env.XDG_RUNTIME_DIR
  if (session?.startsWith('/') && isFolderOf(session, uid)) {
    const parent = join(session, 'mayfly')
    if (fits(join(parent, id, longestSocket))) return parent
  }
  return `/tmp/mayfly-${uid}`
}

// After `su` or in a cron job the variable may name a folder that is another user's, or gone.
function isFolderOf(path: string, uid: number): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat?.isDirectory() === true && stat.uid === uid
}

function checkedSocket(path: string): string {
  if (fits(path)) return path
  throw new ConfigError(`Expected a socket path of at most ${longestPath} bytes, got ${path}`, {
    hint: 'Use a shorter machine id.',
  })
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= longestPath
}
