import { InfraError } from '../../config/errors.ts'
import type { ProcessIdentity } from '../../images/process-identity.ts'
import type { MachineUser } from '../confinement/hand-over-files.ts'
import { type CgroupLimits, withCgroup } from '../confinement/with-cgroup.ts'
import { type KeptFiles, spawnKept } from '../keeper/spawn-kept.ts'
import { withOwnNetwork } from '../own-network/with-own-network.ts'
import { spawnChild } from './spawn-child.ts'

export type QemuProcess = {
  readonly pid: number
  readonly identity: ProcessIdentity
  /** Settles once, with what is known of the end; never rejects. */
  readonly exited: Promise<QemuExit>
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
}

export type QemuExit = {
  readonly code: number | undefined
  readonly signal: string | undefined
  /** The last 4 KiB of standard error. */
  readonly stderr: string
}

export type SpawnQemu = {
  binary: string
  args: readonly string[]
  /** bytes QEMU may make any one file grow to */
  fileSize: number
  logFile: string
  /** An open file that QEMU has as descriptor 3. */
  inherited?: number | undefined
  /** The run folder of one that has a network of its own, see `withOwnNetwork`. */
  ownNetwork?: string | undefined
  /** Of the control group that it gets, where this host has them, see `withCgroup`. */
  cgroup?: CgroupLimits | undefined
  /** Whom it runs as instead of us, who are root. */
  user?: MachineUser | undefined
  /** Of one that may outlive us; without, it dies with us. */
  kept?: KeptFiles | undefined
}

/**
 * Starts QEMU so that it can't gain privileges, leaves no core dump with a guest's memory in it, and dies with its
 * parent: that one's SIGKILL can't be caught, so the kernel does it (prctl(2), PR_SET_PDEATHSIG). Its parent is this
 * process, or a keeper that looks after it when this process is gone.
 */
export async function spawnQemu(spawn: SpawnQemu): Promise<QemuProcess> {
  const { binary, args, fileSize, logFile, inherited, ownNetwork, cgroup, user, kept } = spawn
  const bounds = ['--core=0', '--nofile=1024', `--fsize=${fileSize}`]
  const confine = ['setpriv', ...changeUser(user), '--pdeathsig', 'KILL', '--no-new-privs']
  const bare = ['prlimit', ...bounds, ...confine, binary, ...args]
  const inside =
    ownNetwork === undefined ? bare : withOwnNetwork(ownNetwork, bare, { changesUser: user !== undefined })
  const command = cgroup === undefined ? inside : withCgroup(cgroup, inside)
  const process =
    kept === undefined
      ? await spawnChild({ command, logFile, inherited })
      : await spawnKept({ command, logFile, inherited, kept })
  if ('pid' in process) return process
  const { stderr } = process
  throw new InfraError(
    'boot',
    `${binary} could not be started: ${stderr || 'prlimit or setpriv is missing'}`,
    {
      hint: 'mayfly doctor says what is missing on this host',
    },
  )
}

function changeUser(user: SpawnQemu['user']): string[] {
  if (user === undefined) return []
  const groups = user.groups.length === 0 ? '--clear-groups' : `--groups=${user.groups.join(',')}`
  return [`--reuid=${user.uid}`, `--regid=${user.gid}`, groups, '--inh-caps=-all', '--bounding-set=-all']
}
