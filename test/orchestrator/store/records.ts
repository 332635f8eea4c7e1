import { ulid } from 'ulid'
import type { Job } from '../../../config/pipeline/pipeline.ts'
import type { Build, BuildJob } from '../../../orchestrator/model/build.ts'
import type { Delivery } from '../../../orchestrator/model/delivery.ts'

/** A whole build, with whatever a test wants different. */
export function aBuild(change: Partial<Build> & { branch?: string } = {}): Build {
  const { branch = 'main', ...rest } = change
  const id = change.id ?? ulid().toLowerCase()
  return {
    id,
    repository: 'gitea:mayfly/hello',
    trigger: {
      event: 'push',
      sha: 'a'.repeat(40),
      ref: `refs/heads/${branch}`,
      branch,
      tag: undefined,
      title: 'Say "hello" \u{1F41B}',
      author: 'Ann <ann@example.org>',
      actor: 'ann',
      before: undefined,
      pullRequest: undefined,
      inputs: {},
    },
    pipelineFile: '.mayfly.yml',
    state: 'queued',
    jobs: [],
    created: '2026-01-02T03:04:05.000Z',
    started: undefined,
    ended: undefined,
    problem: undefined,
    delivery: undefined,
    approval: undefined,
    ...rest,
  }
}

/** A job of a build, queued. */
export function aJob(build: string, name: string, change: Partial<BuildJob> = {}): BuildJob {
  return {
    id: `${build}-${name}`,
    build,
    repository: 'gitea:mayfly/hello',
    name,
    job: { name, needs: [], env: {}, secrets: [], steps: [{ run: 'true' }] } as unknown as Job,
    needs: [],
    state: 'queued',
    attempt: 1,
    priority: 0,
    created: '2026-01-02T03:04:05.000Z',
    queued: '2026-01-02T03:04:05.000Z',
    started: undefined,
    ended: undefined,
    claim: 0,
    host: undefined,
    failure: undefined,
    reason: undefined,
    hint: undefined,
    waiting: undefined,
    resources: { cpus: 2, memory: 17_179_869_184, disk: 1_234_567_890_123_456 },
    cancelRequested: undefined,
    ...change,
  }
}

export function aDelivery(change: Partial<Delivery> = {}): Delivery {
  const id = change.id ?? ulid().toLowerCase()
  return {
    id,
    forge: 'gitea',
    forgeId: `forge-${id}`,
    event: 'push',
    received: '2026-01-02T03:04:05.000Z',
    repository: 'gitea:mayfly/hello',
    headers: { 'content-type': 'application/json', 'x-gitea-event': 'push' },
    size: 17,
    verdict: 'accepted',
    reasons: [],
    builds: [],
    replayOf: undefined,
    ...change,
  }
}
