import type { Verdict } from '../../runner/job/verdict.ts'
import type { Build } from '../model/build.ts'

/**
 * What is said of a build in its spans, in OpenTelemetry's words where it has them.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/cicd/
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/vcs/
 */
export function buildAttributes(build: Build): Record<string, string | number> {
  const { sha, branch, tag, event, pullRequest } = build.trigger
  const head = pullRequest?.sourceBranch ?? branch ?? tag
  return {
    'cicd.pipeline.name': build.pipelineFile,
    'cicd.pipeline.run.id': build.id,
    'vcs.repository.name': build.repository,
    'vcs.ref.head.revision': sha,
    ...(head === undefined ? {} : { 'vcs.ref.head.name': head }),
    ...(head === undefined ? {} : { 'vcs.ref.head.type': tag === undefined ? 'branch' : 'tag' }),
    ...(pullRequest === undefined ? {} : { 'vcs.change.id': String(pullRequest.number) }),
    'mayfly.event': event,
    ...(build.delivery === undefined ? {} : { 'mayfly.delivery': build.delivery }),
  }
}

/** A verdict as `cicd.pipeline.result` and `cicd.pipeline.task.run.result` have it. */
export const results: Readonly<Record<Verdict, string>> = {
  passed: 'success',
  failed: 'failure',
  errored: 'error',
  'timed-out': 'timeout',
  cancelled: 'cancellation',
  skipped: 'skip',
}
