import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import { jobFolderPath } from '../../runner/job/filenames.ts'
import { readEvents } from '../../runner/job/past.ts'
import { aboutBuild } from '../logs/about-build.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { Build, BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { attemptId } from '../worker/attempt-id.ts'
import { buildTrace } from './build-trace.ts'
import { jobTrace } from './job-trace.ts'
import type { Trace } from './span.ts'
import { traceOfBuild } from './trace-of-build.ts'

/** Tells a collector what took how long. Nobody waits for it, and what it does not take is lost. */
export type Traces = {
  buildEnded(build: Build): void
  /** Of one that has just ended on this host. */
  jobEnded(build: Build, job: BuildJob): void
  close(): Promise<void>
}

type Options = {
  readonly traces: NonNullable<HostConfig['traces']>
  readonly store: { readonly deliveries: Pick<Store['deliveries'], 'get'> }
  /** Folder that holds the folders of jobs. */
  readonly archiveFolder: string
  readonly pageUrl: (page: { build: string } | { job: string }) => string
  readonly log: Logger
}

export async function openTraces(options: Options): Promise<Traces> {
  const { traces, store, archiveFolder, pageUrl, log } = options
  // Whoever has no collector is spared its libraries.
  const { otlpExporter } = await import('./otlp-exporter.ts')
  const hostName = hostname()
  const exporter = otlpExporter(traces.endpoint, { 'service.name': 'mayfly', 'host.name': hostName })
  const placeOf = async (build: Build) => {
    const delivery = build.delivery === undefined ? undefined : await store.deliveries.get(build.delivery)
    return traceOfBuild(build, delivery)
  }
  const tell = (about: Logger, make: () => Promise<Trace | undefined>) => {
    const work = async () => {
      const trace = await make()
      if (trace !== undefined) await exporter.send(trace)
    }
    void work().catch((err: unknown) => about.debug({ err }, 'a trace was not taken'))
  }
  return {
    buildEnded: (build) =>
      tell(aboutBuild(log, build), async () =>
        buildTrace({ build, place: await placeOf(build), url: pageUrl({ build: build.id }) }),
      ),
    jobEnded: (build, job) => {
      const now = Date.now()
      tell(aboutJob(log, job), async () => {
        const events = await readEvents(jobFolderPath(archiveFolder, attemptId(job)))
        const claimed = now - Math.max(0, ...events.map(({ at }) => at))
        const place = await placeOf(build)
        return jobTrace({ build, job, place, events, claimed, hostName, url: pageUrl({ job: job.id }) })
      })
    },
    close: () => exporter.close(),
  }
}
