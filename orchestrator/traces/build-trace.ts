import { type Build, isEnded } from '../model/build.ts'
import { buildAttributes, results } from './build-attributes.ts'
import type { Trace } from './span.ts'
import type { TracePlace } from './trace-of-build.ts'

type BuildTrace = { readonly build: Build; readonly place: TracePlace; readonly url: string }

/** The span of a build, in which those of its jobs lie; undefined as long as it has no verdict. */
export function buildTrace({ build, place, url }: BuildTrace): Trace | undefined {
  const { state, created, ended } = build
  if (ended === undefined || !isEnded(state)) return undefined
  const span = {
    name: `RUN ${build.repository}`,
    ...{ id: place.build, parent: place.parent },
    ...{ start: Date.parse(created), end: Date.parse(ended) },
    attributes: {
      ...buildAttributes(build),
      'cicd.pipeline.result': results[state],
      'cicd.pipeline.run.url.full': url,
    },
    failed: state === 'passed' || state === 'skipped' ? undefined : (build.problem ?? state),
  }
  return { id: place.id, spans: [span] }
}
