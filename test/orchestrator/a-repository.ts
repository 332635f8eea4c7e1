import type { Repository } from '../../orchestrator/model/repository.ts'

/** A registered repository with what is not said left at its least. */
export function aRepository(change: Partial<Repository> = {}): Repository {
  return {
    name: 'ada/engine',
    forge: 'gitea',
    cloneUrl: 'http://127.0.0.1:1/ada/engine.git',
    apiUrl: undefined,
    pipelineFile: undefined,
    images: undefined,
    limits: { running: undefined, queued: 100, matrix: 50 },
    defaultBranch: 'main',
    submodules: false,
    lfs: false,
    created: '2026-01-01T00:00:00.000Z',
    from: 'api',
    ...change,
  }
}
