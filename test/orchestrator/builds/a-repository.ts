import type { Repository } from '../../../orchestrator/model/repository.ts'

/** A registered repository, with whatever a test wants different. */
export function aRepository(change: Partial<Repository> = {}): Repository {
  return {
    name: 'mayfly/hello',
    forge: 'gitea',
    cloneUrl: 'https://forge.test/mayfly/hello.git',
    apiUrl: 'https://forge.test/api/v1',
    pipelineFile: undefined,
    images: undefined,
    limits: { running: undefined, queued: 500, matrix: 64 },
    defaultBranch: 'main',
    submodules: false,
    lfs: false,
    created: '2026-01-01T00:00:00.000Z',
    from: 'api',
    ...change,
  }
}
