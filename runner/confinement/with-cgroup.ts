import { cgroupScript } from './cgroup-script.ts'

export type CgroupLimits = {
  /** Of the group; letters, digits and `-`. */
  readonly name: string
  /** bytes */
  readonly memory: number
  /** The guest's processors; QEMU has one more for its own work. */
  readonly cpus: number
}

/** Threads of QEMU beside one for each processor: its own, and those that read and write disks. */
const ownThreads = 128

/** The command that runs `command` in a control group of its own with these limits; see `cgroupScript`. */
export function withCgroup({ name, memory, cpus }: CgroupLimits, command: readonly string[]): string[] {
  const limits = [memory, (cpus + 1) * 100, ownThreads + cpus].map((limit) => String(Math.ceil(limit)))
  return ['sh', '-c', cgroupScript, 'cgroup', name, ...limits, ...command]
}
