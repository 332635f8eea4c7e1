import { describe, expect, it } from 'vitest'
import { jobEnvironment } from '../../../runner/job/job-environment.ts'

const context = {
  jobId: 'j1',
  buildId: 'b1',
  repo: 'o/r',
  ref: 'refs/heads/main',
  sha: 'f00d',
  event: 'push',
}

describe('jobEnvironment', () => {
  it('tells each step what it runs for', () => {
    expect(jobEnvironment({}, context)).toEqual({
      CI: 'true',
      MAYFLY: 'true',
      MAYFLY_JOB_ID: 'j1',
      MAYFLY_BUILD_ID: 'b1',
      MAYFLY_REPO: 'o/r',
      MAYFLY_REF: 'refs/heads/main',
      MAYFLY_SHA: 'f00d',
      MAYFLY_EVENT: 'push',
      LANG: 'C.UTF-8',
      DEBIAN_FRONTEND: 'noninteractive',
    })
  })

  it('lets the pipeline file set what is not Mayfly’s own to say', () => {
    const env = { CI: 'yes', LANG: 'de_DE.UTF-8', MAYFLY_SHA: 'forged', GREETING: 'hello' }
    expect(jobEnvironment(env, context)).toMatchObject({
      CI: 'yes',
      LANG: 'de_DE.UTF-8',
      GREETING: 'hello',
      MAYFLY_SHA: 'f00d',
    })
  })
})
