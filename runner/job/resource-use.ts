import type { MachineUse } from '../machine/machine.ts'

/** What was taken of the host in some time. Of memory it is the most bytes at once; all else is a sum. */
export type ResourceUse = Pick<
  MachineUse,
  'cpuMs' | 'memory' | 'diskRead' | 'diskWritten' | 'netSent' | 'netReceived'
>

/** Two times after each other as one. */
export function addUse(one: ResourceUse | undefined, other: ResourceUse): ResourceUse {
  if (one === undefined) return other
  return {
    memory: Math.max(one.memory, other.memory),
    ...sums(one, other, (a, b) => a + b),
  }
}

/** What was added to the sums of `before` by `after`, with the memory of `after`. */
export function useSince(before: ResourceUse | undefined, after: ResourceUse): ResourceUse {
  if (before === undefined) return after
  return { memory: after.memory, ...sums(before, after, (a, b) => Math.max(0, b - a)) }
}

function sums(
  one: ResourceUse,
  other: ResourceUse,
  join: (a: number, b: number) => number,
): Omit<ResourceUse, 'memory'> {
  const joinNet = (a: number | undefined, b: number | undefined) =>
    a === undefined && b === undefined ? undefined : join(a ?? 0, b ?? 0)
  return {
    cpuMs: join(one.cpuMs, other.cpuMs),
    diskRead: join(one.diskRead, other.diskRead),
    diskWritten: join(one.diskWritten, other.diskWritten),
    netSent: joinNet(one.netSent, other.netSent),
    netReceived: joinNet(one.netReceived, other.netReceived),
  }
}
