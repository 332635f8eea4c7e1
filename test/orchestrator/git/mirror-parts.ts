import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { GitParts } from '../../../orchestrator/git/git-parts.ts'
import type { Repository } from '../../../orchestrator/model/repository.ts'
import type { Vault } from '../../../orchestrator/secrets/vault.ts'

export type TestParts = GitParts & { readonly secrets: Map<string, string>; remove(): Promise<void> }

/** A data folder of its own, and a vault in memory: what it holds is another folder's business. */
export async function testParts(limits: Partial<GitParts['limits']> = {}): Promise<TestParts> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'mayfly-mirror-'))
  const secrets = new Map<string, string>()
  const vault: Vault = {
    set: async (scope, name, value) => void secrets.set(`${scope} ${name}`, value),
    remove: async (scope, name) => secrets.delete(`${scope} ${name}`),
    names: async () => [],
    get: async (scope, name) => secrets.get(`${scope} ${name}`),
    resolve: async () => ({}),
  }
  return {
    dataFolder,
    vault,
    secrets,
    limits: { bytes: 256 * 1024 ** 2, ms: 60_000, fileBytes: 64 * 1024, ...limits },
    log: pino({ level: 'silent' }),
    remove: () => rm(dataFolder, { recursive: true, force: true, maxRetries: 3 }),
  }
}

export function testRepository(change: Partial<Repository>): Repository {
  return {
    forge: 'gitea',
    name: 'owner/name',
    cloneUrl: '/nowhere',
    apiUrl: undefined,
    pipelineFile: undefined,
    images: undefined,
    limits: { running: undefined, queued: 10, matrix: 10 },
    defaultBranch: 'main',
    submodules: false,
    lfs: false,
    created: '2026-07-01T00:00:00.000Z',
    from: 'api',
    ...change,
  }
}
