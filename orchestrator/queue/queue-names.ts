/** All that the queue knows of a job; the rest is in the store. */
export type JobIds = {
  readonly id: string
  readonly attempt: number
  /** Key of its repository, whose next job may be offered once this one is taken. Absent in what version 1 queued. */
  readonly repository?: string
  /** The line that a host took it from which handed it to another; nobody does that twice. */
  readonly home?: string
}

/** What the same labels are called, whatever their order: `gpu+kvm`; the empty string for none. */
export function nameOfLabels(labels: readonly string[] = []): string {
  return [...new Set(labels)].sort().join('+')
}

/**
 * The line that jobs wait in which ask their hosts for the same labels, by its BullMQ name: `jobs` for those that ask for
 * none, else `jobs+gpu+kvm`. Its keys in Redis start with `<prefix>:<line>:`.
 */
export function lineOf(labels: readonly string[] = []): string {
  return labels.length === 0 ? 'jobs' : `jobs+${nameOfLabels(labels)}`
}

/** The line of jobs that were handed to one host, for it has what they start from. */
export function lineOfHost(host: string): string {
  return `jobs@${host}`
}

export function isLineOfHost(line: string): boolean {
  return line.startsWith('jobs@')
}

/** Whether a host may take from a line. */
export function maySee(
  line: string,
  host: { readonly name: string; readonly labels: readonly string[] },
): boolean {
  if (isLineOfHost(line)) return line === lineOfHost(host.name)
  return line
    .split('+')
    .slice(1)
    .every((label) => host.labels.includes(label))
}

/**
 * What BullMQ calls an attempt at a job. It takes no colon and no id that is a whole number; the encoding leaves job
 * ids readable and can be turned back.
 */
export function queueId({ id, attempt }: Pick<JobIds, 'id' | 'attempt'>): string {
  return `${encodeURIComponent(id)}-${attempt}`
}

/** The job's id and attempt of a queue id. */
export function jobOf(name: string): { id: string; attempt: number } {
  const cut = name.lastIndexOf('-')
  return { id: decodeURIComponent(name.slice(0, cut)), attempt: Number(name.slice(cut + 1)) }
}

/** A job in one line: what BullMQ calls it there. */
export type Entry = { readonly line: string; readonly name: string }

/** Name in Redis that BullMQ gives to what it knows of one job. */
export function jobKey(prefix: string, { line, name }: Entry): string {
  return `${prefix}:${line}:${name}`
}

/** Names in Redis that BullMQ gives to one job's lock and to the list of those being worked on. */
export function lockNames(prefix: string, { line, name }: Entry): { lock: string; active: string } {
  return { lock: `${prefix}:${line}:${name}:lock`, active: `${prefix}:${line}:active` }
}
