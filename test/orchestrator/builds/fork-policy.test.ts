import { describe, expect, it } from 'vitest'
import { isForkBuild, needsApproval, withoutTrust } from '../../../orchestrator/builds/fork-policy.ts'
import { aJobOf } from './a-job-of.ts'
import { aPullRequest, aSha, aTrigger } from './build-world.ts'

const fork = aPullRequest({ fork: true })

describe('fork policy', () => {
  it('knows a pull request from a fork', () => {
    expect([fork, aPullRequest(), aTrigger()].map(isForkBuild)).toEqual([true, false, false])
  })

  it('asks for approval of the very commit', () => {
    const approval = { by: 'ann', at: '2026-01-01T00:00:00Z', sha: aSha }
    expect(needsApproval({ trigger: fork, approval: undefined })).toBe(true)
    expect(needsApproval({ trigger: fork, approval })).toBe(false)
    expect(needsApproval({ trigger: fork, approval: { ...approval, sha: 'f'.repeat(40) } })).toBe(true)
    expect(needsApproval({ trigger: aTrigger(), approval: undefined })).toBe(false)
  })

  it('takes secrets and debug from a job and leaves the rest', () => {
    const [job] = aJobOf('secrets: [TOKEN]\ndebug: {}\nsteps: [make]')
    expect(withoutTrust(job)).toEqual({ ...job, secrets: [], debug: { ...job.debug, on: 'never' } })
  })
})
