/**
 * Options of a BullMQ worker whose work is short and bears repetition, ms: what was under way when its process or Redis was
 * killed is taken up again at the second look after its lock has run out, and not after a minute and a half.
 */
export const workerLocks = { lockDuration: 10_000, stalledInterval: 5000 } as const
