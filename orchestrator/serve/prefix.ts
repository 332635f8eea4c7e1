/** Before every name in Redis. */
export const prefix = 'mayfly'
