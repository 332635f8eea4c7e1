import { createHash } from 'node:crypto'
import { repositoryDefaults } from '../../config/defaults.ts'
import type { Repository } from '../model/repository.ts'
import type { Submission } from './submissions.ts'

/**
 * The repository that a submission belongs to: `local:<who>/<folder>`. Each caller has repositories of their own, so
 * that a secret that an admin gives to one is within reach of that caller alone.
 */
export function localRepository({ by, name }: Pick<Submission, 'by' | 'name'>, created: string): Repository {
  return {
    forge: 'local',
    name: `${asName(by)}/${asName(name)}`,
    cloneUrl: 'submitted',
    apiUrl: undefined,
    pipelineFile: undefined,
    images: undefined,
    limits: { running: undefined, ...repositoryDefaults.limits },
    defaultBranch: repositoryDefaults.branch,
    submodules: false,
    lfs: false,
    created,
    from: 'submission',
  }
}

/** Fit for a repository's name; what had to be changed gets a mark of what it was, so that no two become one. */
function asName(text: string): string {
  const plain = text.replaceAll(/[^\w.~-]+/g, '-').slice(0, 60)
  if (plain === text && !/^\.{1,2}$/.test(text) && text !== '') return text
  const mark = createHash('sha256').update(text).digest('hex').slice(0, 8)
  return `${plain.replace(/^[.-]+|[.-]+$/g, '') || 'x'}-${mark}`
}
