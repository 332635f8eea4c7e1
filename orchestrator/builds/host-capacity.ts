import type { Resources } from '../../images/image.ts'
import { hasLabels } from '../model/has-labels.ts'

/** What a host has for machines in all, whatever runs on it now. */
export type HostCapacity = {
  /** Name of the process that serves there; of one that is away, what the host is called. */
  readonly id: string
  /** Infinite where one that is away may have any number, here and below. */
  readonly cpus: number
  /** bytes */
  readonly memory: number
  /** Why it takes no further jobs for now. */
  readonly pressure?: string | undefined
  /** Whether that is somebody's word, and for as long as they like. @defaultValue no */
  readonly cordoned?: boolean | undefined
  /** @defaultValue none */
  readonly labels?: readonly string[] | undefined
  /** Whether it was heard of in the last 30 days and is not there now. @defaultValue no */
  readonly away?: boolean | undefined
}

type Size = Pick<Resources, 'cpus' | 'memory'>

/** Whether a host could take a job if it were there and had nothing else to do. */
export function couldTake(
  { cpus, memory, labels }: HostCapacity,
  { resources, runsOn }: { readonly resources: Size; readonly runsOn?: readonly string[] | undefined },
): boolean {
  return hasLabels(labels, runsOn) && fits(resources, { cpus, memory })
}

/** Whether a machine of this size goes into what a host has, or has left. */
export function fits(resources: Size, room: Size): boolean {
  return resources.cpus <= room.cpus && resources.memory <= room.memory
}
