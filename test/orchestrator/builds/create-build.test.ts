import { ulid } from 'ulid'
import { describe, expect, it } from 'vitest'
import { ConfigError, InfraError } from '../../../config/errors.ts'
import { jobPriority } from '../../../orchestrator/builds/job-priority.ts'
import { aPullRequest, aSha, aTrigger, buildWorld } from './build-world.ts'

const twoJobs = 'jobs:\n  test: { steps: [make] }\n  deploy: { needs: test, steps: [make] }\n'
const targetSha = 'c'.repeat(40)

describe('create', () => {
  it('writes the build with its jobs, puts in line what needs nothing, and tells the forge', async () => {
    const world = await buildWorld({ file: twoJobs })
    const { build, reasons } = await world.builds.create({
      repository: world.repository,
      trigger: aTrigger(),
    })
    expect(build).toMatchObject({
      repository: 'gitea:mayfly/hello',
      state: 'queued',
      pipelineFile: '.mayfly.yml',
    })
    expect(await world.jobs(build)).toMatchObject({
      test: {
        id: `${build?.id}-test`,
        state: 'queued',
        attempt: 1,
        priority: jobPriority(0, 'push'),
        waiting: undefined,
      },
      deploy: { state: 'blocked', needs: [`${build?.id}-test`], waiting: 'needs test' },
    })
    expect(world.line).toEqual([`${build?.id}-test#1`])
    expect(reasons).toEqual([
      `.mayfly.yml read at ${aSha.slice(0, 12)}`,
      'job test: runs, it has no conditions',
      'job deploy: runs, it has no conditions',
      `build ${build?.id}`,
    ])
    expect(world.statuses).toEqual([
      {
        context: 'mayfly/test',
        state: 'pending',
        description: 'queued',
        sha: aSha,
        url: `http://ci.test/job/${build?.id}-test`,
      },
      {
        context: 'mayfly/deploy',
        state: 'pending',
        description: 'needs test',
        sha: aSha,
        url: `http://ci.test/job/${build?.id}-deploy`,
      },
      {
        context: 'mayfly',
        state: 'pending',
        description: 'queued, 2 jobs',
        sha: aSha,
        url: `http://ci.test/build/${build?.id}`,
      },
    ])
  })

  it('tells a build of one job as one status', async () => {
    const world = await buildWorld({ file: 'steps: [make]' })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    await world.run(`${build?.id}-main`)
    expect(world.statuses.map(({ context, state }) => `${context} ${state}`)).toEqual([
      'mayfly pending',
      'mayfly running',
      'mayfly passed',
    ])
  })

  it('makes one build of a delivery that is worked on twice, one after the other or at once', async () => {
    const world = await buildWorld({ file: twoJobs })
    const request = { repository: world.repository, trigger: aTrigger(), delivery: ulid().toLowerCase() }
    const made = await Promise.all([1, 2, 3].map(() => world.builds.create(request)))
    made.push(await world.builds.create(request))
    expect(new Set(made.map(({ build }) => build?.id)).size).toBe(1)
    expect(made.at(-1)?.reasons).toEqual([`build ${made[0]?.build?.id} was made before`])
    expect(world.lined).toEqual([`${made[0]?.build?.id}-test#1`])
    expect((await world.store.builds.list({}, { limit: 10, cursor: undefined })).items).toHaveLength(1)
  })

  it('makes a new build each time where no delivery asks', async () => {
    const world = await buildWorld({ file: twoJobs })
    const request = { repository: world.repository, trigger: aTrigger() }
    const first = await world.builds.create(request)
    expect((await world.builds.create(request)).build?.id).not.toBe(first.build?.id)
  })

  it('makes of a broken file a build that says where, and tells the forge the same', async () => {
    const world = await buildWorld({
      file: 'jobs:\n  test:\n    stepz: [make]\n    image: 3\n    steps: [make]\n',
    })
    const { build, reasons } = await world.builds.create({
      repository: world.repository,
      trigger: aTrigger(),
    })
    expect(build).toMatchObject({ state: 'errored', jobs: [], ended: expect.any(String) })
    const [first, second] = build?.problem?.split('\n') ?? []
    expect(first).toMatch(/^\.mayfly\.yml:3:5: .*stepz/)
    expect(second).toMatch(/^\.mayfly\.yml:4:/)
    expect(reasons.slice(0, 2)).toEqual([first, second])
    expect(world.statuses).toEqual([
      expect.objectContaining({ context: 'mayfly', state: 'errored', description: `${first} (and 1 more)` }),
    ])
  })

  it('says which file is missing at which commit', async () => {
    const world = await buildWorld({ repository: { pipelineFile: 'ci/mayfly.yml' } })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    expect(build?.problem).toBe(
      'ci/mayfly.yml: expected a pipeline file at commit aaaaaaaaaaaa, found none (add ci/mayfly.yml to the root of the repository, or name another file in its registration)',
    )
  })

  it('makes a build that says so of a commit that is gone', async () => {
    const world = await buildWorld({ file: twoJobs })
    world.failFetches(new ConfigError('expected commit aaaa, found none', { hint: 'it was pushed away' }))
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    expect(build).toMatchObject({
      state: 'errored',
      problem: 'expected commit aaaa, found none (it was pushed away)',
    })
  })

  it('asks again for a commit that the forge does not serve yet, and gives up after three times', async () => {
    const world = await buildWorld({ file: twoJobs })
    const late = () => new InfraError('upload', 'the server does not answer')
    world.failFetches(late(), late())
    expect(
      (await world.builds.create({ repository: world.repository, trigger: aTrigger() })).build?.state,
    ).toBe('queued')
    world.failFetches(late(), late(), late())
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    expect(build).toMatchObject({ state: 'errored', problem: 'the server does not answer' })
  })

  it('makes no build of a commit whose message says so, and asks git for nothing where the title does', async () => {
    const world = await buildWorld({ file: twoJobs })
    world.messages.set(aSha, 'Docs\n\n[ci skip]')
    const byCommit = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    expect(byCommit).toEqual({ build: undefined, reasons: ['not run: [ci skip] is in the message'] })
    world.fetched.length = 0
    const trigger = aTrigger({ title: 'Docs [skip ci]' })
    expect((await world.builds.create({ repository: world.repository, trigger })).build).toBeUndefined()
    expect(world.fetched).toEqual([])
    expect(world.statuses).toEqual([])
  })

  it('makes no build where no job has to run, and tells a pull request that it need not wait', async () => {
    const file =
      'jobs:\n  docs: { when: { paths: docs/** }, steps: [make] }\n  site: { needs: docs, steps: [make] }'
    const world = await buildWorld({ file })
    world.setChangedFiles(['src/a.ts'])
    const pushed = await world.builds.create({
      repository: world.repository,
      trigger: aTrigger({ before: 'd'.repeat(40) }),
    })
    expect(pushed.build).toBeUndefined()
    expect(pushed.reasons.slice(1)).toEqual([
      'job docs: not run, the one changed file does not match docs/**',
      'job site: not run, needs docs, which was skipped',
    ])
    expect(world.statuses).toEqual([])
    await world.builds.create({ repository: world.repository, trigger: aPullRequest() })
    expect(world.statuses).toEqual([expect.objectContaining({ context: 'mayfly-pr', state: 'skipped' })])
  })

  it('keeps a job whose conditions are not met in the build, skipped, and tells it to pull requests only', async () => {
    const file = 'jobs:\n  test: { steps: [make] }\n  release: { when: { event: tag }, steps: [make] }'
    const world = await buildWorld({ file })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    expect((await world.jobs(build)).release).toMatchObject({
      state: 'skipped',
      reason: 'event push is not tag',
      ruledOut: true,
    })
    expect(world.statusesOf('mayfly/release')).toEqual([])
    await world.builds.create({ repository: world.repository, trigger: aPullRequest() })
    expect(world.statusesOf('mayfly-pr/release')).toEqual(['skipped'])
  })

  it('ends a job that can never run at once, and the others run', async () => {
    const file =
      'jobs:\n  big: { resources: { cpus: 64 }, steps: [x] }\n  small: { steps: [x] }\n  after: { needs: big, steps: [x] }'
    const world = await buildWorld({ file })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    expect(await world.states(build)).toEqual({ big: 'errored', small: 'queued', after: 'skipped' })
    await world.run(`${build?.id}-small`)
    expect((await world.store.builds.get(build?.id ?? ''))?.state).toBe('errored')
    expect(world.statuses.at(-1)?.description).toMatch(
      /^big errored: config: expected a job that a host can take/,
    )
  })

  it('refuses more waiting jobs than the repository may have, with the numbers', async () => {
    const world = await buildWorld({
      file: twoJobs,
      repository: { limits: { running: undefined, queued: 3, matrix: 9 } },
    })
    const request = { repository: world.repository, trigger: aTrigger() }
    expect((await world.builds.create(request)).build?.state).toBe('queued')
    expect((await world.builds.create(request)).build).toMatchObject({
      state: 'errored',
      problem: expect.stringContaining(
        'expected at most 3 waiting jobs of gitea:mayfly/hello, got 2 more to 2',
      ),
    })
  })

  it('runs a part of the file by hand, before others, without a word on the whole', async () => {
    const world = await buildWorld({ file: twoJobs })
    const trigger = aTrigger({ event: 'manual' })
    const { build } = await world.builds.create({ repository: world.repository, trigger, only: ['test'] })
    expect(await world.jobs(build)).toEqual({
      test: expect.objectContaining({ priority: jobPriority(0, 'manual') }),
    })
    await world.run(`${build?.id}-test`)
    expect(world.statuses.map(({ context, state }) => `${context} ${state}`)).toEqual([
      'mayfly/test pending',
      'mayfly/test running',
      'mayfly/test passed',
    ])
    const wrong = world.builds.create({ repository: world.repository, trigger, only: ['tset'] })
    await expect(wrong).rejects.toThrow('expected a job of .mayfly.yml (test, deploy), got "tset"')
  })

  it('reads the pipeline file of a fork from the target branch and lets nothing run before approval', async () => {
    const world = await buildWorld({ file: 'steps: [steal]' })
    world.files.set(`${targetSha}:.mayfly.yml`, 'secrets: [TOKEN]\nsteps: [make]')
    const { build } = await world.builds.create({
      repository: world.repository,
      trigger: aPullRequest({ fork: true }),
    })
    expect(build?.state).toBe('waiting')
    expect(await world.jobs(build)).toMatchObject({
      main: { state: 'blocked', job: { secrets: [], steps: [{ run: 'make' }] } },
    })
    expect(world.fetched).toEqual([`refs/pull/7/head ${aSha}`, `refs/heads/main ${targetSha}`])
    expect(world.line).toEqual([])
    expect(world.statuses).toEqual([
      expect.objectContaining({
        context: 'mayfly-pr',
        state: 'pending',
        description: 'waits for approval by someone with write access',
      }),
    ])
  })

  it("asks where the target branch is when the forge did not say, and never falls back to the fork's own file", async () => {
    const world = await buildWorld({ file: 'steps: [steal]' })
    const trigger = aPullRequest({ fork: true, targetSha: undefined })
    const { build } = await world.builds.create({ repository: world.repository, trigger })
    expect(world.fetched).toContain(`refs/heads/main ${'b'.repeat(40)}`)
    expect(build?.problem).toContain('expected a pipeline file at commit bbbbbbbbbbbb')
  })

  it('explains without writing anything', async () => {
    const world = await buildWorld({ file: twoJobs })
    const explained = await world.builds.explain({ repository: world.repository, trigger: aTrigger() })
    expect(explained.jobs).toEqual(['test', 'deploy'])
    expect(explained.reasons).toContain('job test: runs, it has no conditions')
    expect((await world.store.builds.list({}, { limit: 10, cursor: undefined })).items).toEqual([])
    expect([world.statuses, world.bus, world.line]).toEqual([[], [], []])
  })
})
