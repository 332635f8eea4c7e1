/** What a job takes of a host, or a host has for jobs. Memory in bytes. */
export type Resources = { readonly cpus: number; readonly memory: number }

export function fits(free: Resources, need: Resources): boolean {
  return need.cpus <= free.cpus && need.memory <= free.memory
}

/** Whether there is anything left for a further job, however small. */
export function hasRoom({ cpus, memory }: Resources): boolean {
  return cpus > 0 && memory > 0
}

export function minus(free: Resources, need: Resources): Resources {
  return { cpus: free.cpus - need.cpus, memory: free.memory - need.memory }
}

export function plus(free: Resources, need: Resources): Resources {
  return { cpus: free.cpus + need.cpus, memory: free.memory + need.memory }
}

/**
 * Which of the resources are too few, as a sentence, or undefined where the job fits: `needs 4 cpus, 2 are free`,
 * or with `total`, `needs 4 cpus, this host has 2`.
 */
export function shortage(have: Resources, need: Resources, what: 'free' | 'total'): string | undefined {
  const said = (amount: string) => (what === 'free' ? `${amount} are free` : `this host has ${amount}`)
  const parts: string[] = []
  if (need.cpus > have.cpus) parts.push(`needs ${need.cpus} cpus, ${said(String(have.cpus))}`)
  if (need.memory > have.memory) {
    parts.push(`needs ${inGibibytes(need.memory)} of memory, ${said(inGibibytes(have.memory))}`)
  }
  return parts.length === 0 ? undefined : parts.join('; ')
}

function inGibibytes(bytes: number): string {
  return `${Math.round((bytes / 2 ** 30) * 100) / 100} GiB`
}
