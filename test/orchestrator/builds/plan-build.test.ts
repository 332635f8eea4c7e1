import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findCircles } from '../../../config/pipeline/find-circles.ts'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import { openCatalogue } from '../../../images/catalogue.ts'
import { type PlanBuild, planBuild } from '../../../orchestrator/builds/plan-build.ts'
import { aRepository } from './a-repository.ts'
import { aPullRequest, aTrigger } from './build-world.ts'

const GiB = 2 ** 30

function plan(text: string, change: Partial<PlanBuild> = {}) {
  return planBuild({
    pipeline: parsePipeline({ file: '.mayfly.yml', text }),
    trigger: aTrigger(),
    repository: aRepository(),
    changedFiles: undefined,
    host: { defaultImage: 'debian-12-local', resources: { cpus: 3, memory: 3 * GiB, disk: 30 * GiB } },
    catalogue: openCatalogue(),
    capacities: [{ id: 'small', cpus: 2, memory: 4 * GiB }],
    ...change,
  })
}

describe('planBuild', () => {
  it('keeps the order of the file and lets each variant of a matrix be needed', () => {
    const { jobs, runs } = plan(`
jobs:
  deploy: { needs: [test, lint], steps: [x] }
  test: { matrix: { go: [1, 2] }, steps: [x] }
  lint: { needs: test, steps: [x] }
`)
    expect(jobs.map(({ name, needs }) => [name, needs])).toEqual([
      ['deploy', ['test-1', 'test-2', 'lint']],
      ['test-1', []],
      ['test-2', []],
      ['lint', ['test-1', 'test-2']],
    ])
    expect(runs).toEqual(['deploy', 'test-1', 'test-2', 'lint'])
  })

  it('takes sizes from the job, then its image, then the host', () => {
    const { jobs } = plan('resources: { cpus: 1 }\nsteps: [x]')
    expect(jobs[0]?.resources).toEqual({ cpus: 1, memory: 1 * GiB, disk: 10 * GiB })
  })

  it('skips a job whose conditions are not met, and with it what needs it, each with its reason', () => {
    const { jobs, runs, reasons } = plan(`
jobs:
  test: { steps: [x] }
  release: { when: { branch: release/* }, steps: [x] }
  announce: { needs: release, steps: [x] }
`)
    expect(jobs.map(({ state }) => state)).toEqual(['blocked', 'skipped', 'blocked'])
    expect(runs).toEqual(['test'])
    expect(reasons).toEqual([
      'job test: runs, it has no conditions',
      'job release: not run, branch main does not match release/*',
      'job announce: not run, needs release, which was skipped',
    ])
  })

  it('refuses a job that no host could ever take, with what they have and what it asks for', () => {
    const { jobs } = plan('resources: { cpus: 16 }\nsteps: [x]')
    expect(jobs[0]).toMatchObject({
      state: 'errored',
      failure: 'config',
      reason:
        'expected a job that a host can take (small has 2 cpus and 4 GiB), got one that asks for 16 cpus and 1 GiB',
      hint: 'ask for less under `resources`, or add a larger host',
    })
  })

  it('refuses nothing for its size while no host is known', () => {
    expect(plan('resources: { cpus: 16 }\nsteps: [x]', { capacities: [] }).runs).toEqual(['main'])
  })

  describe('where a host is away', () => {
    const small = { id: 'small', cpus: 2, memory: 4 * GiB, labels: [] }
    const large = { id: 'large', cpus: 16, memory: 64 * GiB, labels: ['gpu'], away: true }
    const unknown = { cpus: Number.POSITIVE_INFINITY, memory: Number.POSITIVE_INFINITY }
    const sized = (cpus: number, more = '') => `resources: { cpus: ${cpus} }\n${more}steps: [x]`

    it('lets a job wait that it could take, or may be able to', () => {
      expect(plan(sized(16), { capacities: [small, large] }).runs).toEqual(['main'])
      expect(plan(sized(16, 'runs_on: gpu\n'), { capacities: [small, large] }).runs).toEqual(['main'])
      expect(plan(sized(256), { capacities: [small, { ...large, ...unknown }] }).runs).toEqual(['main'])
    })

    it('refuses one that neither those that are there nor those that are away could take', () => {
      expect(plan(sized(17), { capacities: [small, large] }).jobs[0]).toMatchObject({
        state: 'errored',
        failure: 'config',
        reason:
          'expected a job that a host can take (small has 2 cpus and 4 GiB; large, which is away, has 16 cpus and 64 GiB), got one that asks for 17 cpus and 1 GiB',
      })
      const { jobs } = plan(sized(17, 'runs_on: gpu\n'), { capacities: [small, large] })
      expect(jobs[0]?.reason).toContain('(large, which is away, has 16 cpus and 64 GiB)')
    })

    it('refuses nothing for its size while all are away: one that comes back may have grown', () => {
      expect(plan(sized(17), { capacities: [large] }).runs).toEqual(['main'])
    })
  })

  it('refuses an image that the repository may not use, and one that there is not', () => {
    const repository = aRepository({ images: ['debian-13'] })
    expect(plan('steps: [x]', { repository }).jobs[0]?.reason).toContain(
      'expected one of the images that this repository may use (debian-13), got debian-12-local',
    )
    expect(plan('image: debian-14\nsteps: [x]').jobs[0]).toMatchObject({
      reason: expect.stringContaining('unknown image "debian-14"'),
      hint: expect.stringContaining('Did you mean'),
    })
  })

  it('gives a fork neither secrets nor debug, and says so', () => {
    const text = 'secrets: [TOKEN]\ndebug: {}\nsteps: [x]'
    const { jobs, reasons } = plan(text, { trigger: aPullRequest({ fork: true }) })
    expect(jobs[0]?.job).toMatchObject({ secrets: [], debug: { on: 'never' } })
    expect(reasons[0]).toContain('from a fork')
    expect(plan(text, { trigger: aPullRequest() }).jobs[0]?.job.secrets).toEqual(['TOKEN'])
  })

  it('hands the inputs of a run by hand to its jobs, whose own variables are stronger', () => {
    const trigger = aTrigger({ event: 'manual', inputs: { 'release-name': 'one', level: '2' } })
    const { jobs } = plan('env: { INPUT_LEVEL: "3" }\nsteps: [x]', { trigger })
    expect(jobs[0]?.job.env).toEqual({ INPUT_RELEASE_NAME: 'one', INPUT_LEVEL: '3' })
  })

  it('plans only the jobs that are asked for and what they need', () => {
    const text =
      'jobs:\n  a: { steps: [x] }\n  b: { needs: a, steps: [x] }\n  c: { needs: b, steps: [x] }\n  d: { steps: [x] }'
    expect(plan(text, { only: ['b'] }).runs).toEqual(['a', 'b'])
    expect(() => plan(text, { only: ['bb'] })).toThrow('expected a job of .mayfly.yml (a, b, c, d), got "bb"')
  })

  it('refuses a build of more jobs than fit', () => {
    const values = Array.from({ length: 60 }, (_, index) => index).join(', ')
    const jobs = Array.from(
      { length: 20 },
      (_, index) => `  j${index}: { matrix: { n: [${values}] }, steps: [x] }`,
    )
    expect(() => plan(`jobs:\n${jobs.join('\n')}`)).toThrow('expected a build of at most 1000 jobs')
  })

  it('makes of any graph a plan whose needs are its own jobs and never in a circle', () => {
    const graph = fc.array(
      fc.record({ needs: fc.array(fc.nat(), { maxLength: 3 }), size: fc.integer({ min: 0, max: 3 }) }),
      { minLength: 1, maxLength: 8 },
    )
    fc.assert(
      fc.property(graph, (nodes) => {
        const text = nodes.map(({ needs, size }, index) => {
          const names = index === 0 ? [] : [...new Set(needs.map((need) => `j-${need % index}`))]
          const matrix = size === 0 ? '' : `matrix: { n: [${Array.from({ length: size }, (_, i) => i)}] }, `
          return `  j-${index}: { ${matrix}needs: [${names}], steps: [x] }`
        })
        const { jobs } = plan(`jobs:\n${text.join('\n')}`)
        const needs = new Map(jobs.map((job) => [job.name, job.needs]))
        expect(needs.size).toBe(nodes.reduce((sum, { size }) => sum + Math.max(1, size), 0))
        expect([...needs.values()].flat().every((need) => needs.has(need))).toBe(true)
        expect(findCircles(needs)).toEqual([])
      }),
    )
  })
})
