import type { KeptJobs } from '../../../orchestrator/holds/kept-jobs.ts'

/** Kept jobs of a test, as those in Redis but for the time of a claim. */
export function memoryKept(): KeptJobs {
  const jobs = new Set<string>()
  const claims = new Map<string, string>()
  return {
    add: async (job) => void jobs.add(job),
    remove: async (job) => void jobs.delete(job),
    list: async () => [...jobs],
    claim: async (job, host) => {
      if (claims.has(job)) return false
      claims.set(job, host)
      return true
    },
    letGo: async (job) => void claims.delete(job),
  }
}
