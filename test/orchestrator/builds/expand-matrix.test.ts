import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Job, Matrix } from '../../../config/pipeline/pipeline.ts'
import { expandMatrix } from '../../../orchestrator/builds/expand-matrix.ts'
import { aJobOf } from './a-job-of.ts'

function expand(matrix: string, rest = 'steps: [make]', limit = 64): Job[] {
  const [job] = aJobOf(`matrix:\n  ${matrix}\n${rest}`)
  return expandMatrix({ job, limit, taken: new Set([job.name]) })
}

describe('expandMatrix', () => {
  it('gives a job without a matrix as it is', () => {
    const [job] = aJobOf('steps: [make]')
    expect(expandMatrix({ job, limit: 1, taken: new Set() })).toEqual([job])
  })

  it('makes a job of each combination, the last axis changing fastest', () => {
    expect(expand('os: [debian, rocky]\n  go: [1.20, "1.21"]').map(({ name }) => name)).toEqual([
      'main-debian-1-20',
      'main-debian-1-21',
      'main-rocky-1-20',
      'main-rocky-1-21',
    ])
  })

  it('leaves out every combination that has all of an excluded part', () => {
    const jobs = expand('os: [a, b]\n  go: [1, 2]\n  exclude:\n    - { os: a }\n    - { os: b, go: 2 }')
    expect(jobs.map(({ name }) => name)).toEqual(['main-b-1'])
  })

  it('puts included combinations beside those of the axes, each once, whatever is excluded', () => {
    const jobs = expand(
      'go: [1, 2]\n  include:\n    - { go: 2 }\n    - { go: 3, race: yes }\n  exclude: [{ go: 3 }]',
    )
    expect(jobs.map(({ env }) => env)).toEqual([
      { MATRIX_GO: '1' },
      { MATRIX_GO: '2' },
      { MATRIX_GO: '3', MATRIX_RACE: 'yes' },
    ])
  })

  it('fills values into labels, and asks for none where a value is empty', () => {
    const jobs = expand(
      'arch: [x86_64]\n  include: [{ arch: aarch64, more: gpu }]',
      `runs_on: ["\${matrix.arch}", "\${matrix.more}"]\nsteps: [make]`,
    )
    expect(jobs.map(({ runsOn }) => runsOn)).toEqual([['x86_64'], ['aarch64', 'gpu']])
  })

  it('fills values into image, env, setup, steps and group, and leaves other text as it is', () => {
    const rest = [
      `image: debian-\${matrix.release}`,
      `env: { LEVEL: "o\${matrix.level}", HOME_OF: "\${HOME}" }`,
      `setup: "apt install gcc-\${matrix.release}"`,
      `concurrency: { group: "deploy-\${matrix.release}-\${branch}" }`,
      'steps:',
      `  - { name: "On \${matrix.release}", run: "make \${matrix.level} \${CC}", env: { A: "\${matrix.level}" } }`,
    ].join('\n')
    const [job] = expand('release: [12]\n  level: [3]', rest)
    expect(job).toMatchObject({
      image: 'debian-12',
      env: { LEVEL: 'o3', HOME_OF: `\${HOME}`, MATRIX_RELEASE: '12', MATRIX_LEVEL: '3' },
      setup: ['apt install gcc-12'],
      concurrency: { group: `deploy-12-\${branch}` },
      steps: [{ name: 'On 12', run: `make 3 \${CC}`, env: { A: '3' } }],
      matrix: undefined,
    })
  })

  it('does not fill in what a value itself looks like', () => {
    const [job] = expand(`a: ["\${matrix.b}"]\n  b: [x]`, `steps: ["echo \${matrix.a}"]`)
    expect(job?.steps[0]?.run).toBe(`echo \${matrix.b}`)
  })

  it('fills in nothing for an axis that only other combinations have', () => {
    const jobs = expand('include: [{ go: 1 }, { go: 2, race: on }]', `steps: ["test [\${matrix.race}]"]`)
    expect(jobs.map(({ steps }) => steps[0]?.run)).toEqual(['test []', 'test [on]'])
  })

  it('refuses the name of an axis that there is not', () => {
    expect(() => expand('os: [a]', `steps: ["echo \${matrix.so}"]`)).toThrow(
      `job main: expected one of \${matrix.os}, found \${matrix.so}`,
    )
  })

  it('refuses more combinations than the repository may have without making them', () => {
    const axes = [...'abcdefgh'].map((axis) => `${axis}: [${Array.from({ length: 100 }, (_, i) => i)}]`)
    expect(() => expand(axes.join('\n  '))).toThrow(
      'expected a matrix of at most 64 jobs, got 10000000000000000',
    )
  })

  it('refuses a matrix of which nothing is left', () => {
    expect(() => expand('os: [a]\n  exclude: [{ os: a }]')).toThrow(
      'expected a matrix that leaves a combination',
    )
  })

  it('makes every combination that is not excluded exactly once, under a name of its own', () => {
    const axis = fc.constantFrom('a', 'b', 'c')
    const value = fc.constantFrom('1', '1.0', 'X', 'x', '', '*', 'ü')
    const combination = fc.dictionary(axis, value, { minKeys: 1 })
    const matrix: fc.Arbitrary<Matrix> = fc.record({
      axes: fc.dictionary(axis, fc.array(value, { minLength: 1, maxLength: 4 }), { minKeys: 1 }),
      include: fc.array(combination, { maxLength: 3 }),
      exclude: fc.array(combination, { maxLength: 2 }),
    })
    const [plain] = aJobOf('steps: [make]')
    fc.assert(
      fc.property(matrix, (tried) => {
        const wanted = combinationsByHand(tried)
        const work = () =>
          expandMatrix({ job: { ...plain, matrix: tried }, limit: 1000, taken: new Set(['main']) })
        if (wanted.size === 0) {
          expect(work).toThrow('leaves a combination')
          return
        }
        const jobs = work()
        expect(new Set(jobs.map(({ env }) => JSON.stringify(Object.entries(env).sort())))).toEqual(wanted)
        expect(jobs).toHaveLength(wanted.size)
        expect(new Set(jobs.map(({ name }) => name)).size).toBe(jobs.length)
        for (const { name } of jobs) expect(name).toMatch(/^[a-z0-9][a-z0-9_-]{0,62}$/)
      }),
    )
  })
})

function combinationsByHand({ axes, include, exclude }: Matrix): Set<string> {
  let all: Record<string, string>[] = [{}]
  for (const [axis, values] of Object.entries(axes)) {
    all = all.flatMap((one) => values.map((value) => ({ ...one, [axis]: value })))
  }
  const left = all.filter(
    (one) => !exclude.some((part) => Object.keys(part).every((axis) => one[axis] === part[axis])),
  )
  const keyOf = (one: Readonly<Record<string, string>>) =>
    JSON.stringify(
      Object.entries(one)
        .map(([axis, value]) => [`MATRIX_${axis.toUpperCase()}`, value])
        .sort(),
    )
  return new Set([...left, ...include].map(keyOf))
}
