import { HostStopping } from '../queue/abort-causes.ts'

/** The runs of this host that can be put back in line together, while the host goes on. */
export type PutBackRuns = {
  /** A signal for one run, aborted with `signal` or by `putBack`; ended with the run. */
  begin(signal: AbortSignal): { readonly signal: AbortSignal; end(): void }
  /** Aborts all that run now as if their host stopped. */
  putBack(why: string): void
}

export function createPutBackRuns(): PutBackRuns {
  const runs = new Set<AbortController>()
  return {
    begin: (signal) => {
      const own = new AbortController()
      const follow = () => own.abort(signal.reason)
      if (signal.aborted) follow()
      signal.addEventListener('abort', follow, { once: true })
      runs.add(own)
      return {
        signal: own.signal,
        end: () => {
          runs.delete(own)
          signal.removeEventListener('abort', follow)
        },
      }
    },
    putBack: (why) => {
      for (const run of runs) run.abort(new HostStopping(why))
    },
  }
}
