/** The one queue of an installation. Its keys in Redis start with `<prefix>:jobs:`. */
export const queueName = 'jobs'

/** All that the queue knows of a job; the rest is in the store. */
export type JobIds = { readonly id: string; readonly attempt: number }

/**
 * What BullMQ calls an attempt at a job. It takes no colon and no id that is a whole number; the encoding leaves job
 * ids readable and can be turned back.
 */
export function queueId({ id, attempt }: JobIds): string {
  return `${encodeURIComponent(id)}-${attempt}`
}

/** The job's id of a queue id. */
export function jobIdOf(name: string): string {
  return decodeURIComponent(name.replace(/-\d+$/, ''))
}

/** Names in Redis that BullMQ gives to one job's lock and to the list of those being worked on. */
export function lockNames(prefix: string, name: string): { lock: string; active: string } {
  return { lock: `${prefix}:${queueName}:${name}:lock`, active: `${prefix}:${queueName}:active` }
}
