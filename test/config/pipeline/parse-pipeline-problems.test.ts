import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'
import { problemsIn } from '../problems-in.ts'

const paths =
  'expected a path or glob below the working directory, such as "build/*.tar.gz", without a leading / and ".."'
const names = 'expected a name of letters, digits and _, not starting with a digit'

describe('parsePipeline and a wrong file', () => {
  it.each([
    ['an empty file', '', '1:1: expected "steps" or "jobs", found an empty file'],
    ['a list', '- a', '1:1: expected a mapping, found a list'],
    ['plain text', 'hello', '1:1: expected a mapping, found "hello"'],
    [
      'bad YAML',
      'steps: [a',
      '1:10: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['an unknown key', 'steps: [a]\nimgae: x', '2:1: unknown key "imgae": did you mean "image"?'],
    ['a key given twice', 'steps: [a]\nsteps: [b]', '2:1: the key "steps" is given twice: keep one'],
    [
      'a wrong type',
      'steps: [a]\nimage: [x]',
      '2:8: image: expected the name of an image, such as debian-12-local (lower-case letters, digits, dots and dashes), found a list',
    ],
    ['no steps', 'image: x', '1:1: steps: expected a list of at least one step, found nothing'],
    ['empty steps', 'steps: []', '1:8: steps: expected a list of at least one step, found an empty list'],
    [
      'steps left empty',
      'image: x\nsteps:\n',
      '2:1: steps: expected a list of at least one step, found nothing',
    ],
    [
      'a step that is no script',
      'steps:\n  - true',
      '2:5: steps[0]: expected a script or a mapping with "run", found true (without quotes)',
    ],
    [
      'a step without run',
      'steps:\n  - a\n  - name: x',
      '3:5: steps[1].run: expected a script, found nothing',
    ],
    [
      'an unknown key of a step',
      'steps:\n  - run: a\n    tiemout: 1m',
      '3:5: steps[0]: unknown key "tiemout": did you mean "timeout"?',
    ],
    [
      'an empty script',
      'steps: [" "]',
      '1:9: steps[0]: expected a script with at least one command, found " "',
    ],
    [
      'a script with NUL',
      'steps: ["a\\0b"]',
      '1:9: steps[0]: expected a script without NUL bytes, found "a\\u0000b"',
    ],
    [
      'a step name that moves the cursor',
      'steps: [{ run: a, name: "x\\e[2J" }]',
      '1:25: steps[0].name: expected one line of text of 1 to 200 characters, found "x\\u001b[2J"',
    ],
    [
      'a bad size',
      'steps: [a]\nresources: { memory: lots }',
      '2:22: resources.memory: expected a size such as 512MiB, 2GiB or a number of bytes, found "lots"',
    ],
    [
      'too little memory',
      'steps: [a]\nresources: { memory: 2048 }',
      '2:22: resources.memory: expected at least 128MiB, found 2 KiB',
    ],
    [
      'memory of no whole MiB',
      'steps: [a]\nresources: { memory: 200000000 }',
      '2:22: resources.memory: expected a whole number of MiB, found 200000000 bytes',
    ],
    [
      'too many processors',
      'steps: [a]\nresources: { cpus: 257 }',
      '2:20: resources.cpus: expected a whole number of processors from 1 to 256, found the number 257',
    ],
    [
      'half a processor',
      'steps: [a]\nresources: { cpus: 0.5 }',
      '2:20: resources.cpus: expected a whole number of processors from 1 to 256, found the number 0.5',
    ],
    [
      'a bad duration',
      'steps: [a]\ntimeout: soon',
      '2:10: timeout: expected a duration such as 90s, 10m or 1h30m, found "soon"',
    ],
    [
      'a duration without a unit',
      'steps: [a]\ntimeout: 10',
      '2:10: timeout: expected a duration such as 90s, 10m or 1h30m, found the number 10',
    ],
    [
      'a duration that no timer can hold',
      'steps: [a]\ntimeout: 25d',
      '2:10: timeout: expected a duration of more than 0 and at most 7d, found "25d"',
    ],
    [
      'no time at all',
      'steps: [{ run: a, timeout: 0s }]',
      '1:28: steps[0].timeout: expected a duration of more than 0 and at most 7d, found "0s"',
    ],
    [
      'an age without a unit',
      'steps: [a]\nsetup_max_age: 7',
      '2:16: setup_max_age: expected an age such as 12h, 30d or 365d, found the number 7',
    ],
    [
      'a setup that is never good for another job',
      'steps: [a]\nsetup_max_age: 0s',
      '2:16: setup_max_age: expected an age of more than 0 and at most 3650d, found "0s"',
    ],
    ['an invalid name of a variable', 'steps: [a]\nenv: { A-B: 1 }', `2:8: env: ${names}, found "A-B"`],
    [
      "one of Mayfly's variables",
      'steps: [a]\nenv: { MAYFLY_ENV: x }',
      '2:8: env: names that start with MAYFLY are set by Mayfly itself',
    ],
    [
      'NUL in a variable',
      'steps: [a]\nenv: { A: "x\\0" }',
      '2:11: env.A: expected text, a number or true/false without NUL bytes, found "x\\u0000"',
    ],
    [
      'a variable without a value',
      'steps: [a]\nenv:\n  A:',
      '3:3: env.A: expected text, a number or true/false, found nothing',
    ],
    [
      'an absolute artifact',
      'steps: [a]\nartifacts: [/etc/shadow]',
      `2:13: artifacts[0]: ${paths}, found "/etc/shadow"`,
    ],
    [
      'an artifact outside',
      'steps: [a]\nartifacts: [{ path: a/../../b }]',
      `2:21: artifacts[0].path: ${paths}, found "a/../../b"`,
    ],
    [
      'an artifact outside in braces',
      'steps: [a]\nartifacts: "{a,..}/b"',
      `2:12: artifacts: ${paths}, found "{a,..}/b"`,
    ],
    [
      'user-data that cloud-init would ignore',
      'steps: [a]\nuser_data: "packages: [x]"',
      '2:12: user_data: expected user-data that starts with #cloud-config or #!, found "packages: [x]"',
    ],
    [
      'cloud-config that is not YAML',
      'steps: [a]\nuser_data: "#cloud-config\\na: b: c"',
      '2:12: user_data: line 2 of the cloud-config: not valid YAML: Nested mappings are not allowed in compact mappings',
    ],
    [
      'an empty matrix',
      'steps: [a]\nmatrix: {}',
      '2:9: matrix: expected at least one axis with values, found none',
    ],
    [
      'a matrix that excludes no axis of its own',
      'steps: [a]\nmatrix: { go: [1], exclude: [{ og: 1 }] }',
      '2:36: matrix.exclude[0].og: expected one of the axes go, found "og"',
    ],
    [
      'an axis that is no name',
      'steps: [a]\nmatrix: { a-b: [1] }',
      `2:16: matrix.a-b: ${names}, found "a-b"`,
    ],
    [
      'a retry of a failed step',
      'steps: [a]\nretry: { on: failed }',
      '2:14: retry.on: expected a class of errors or a list of them, found "failed"',
    ],
    [
      'a priority beyond its bounds',
      'steps: [a]\npriority: 101',
      '2:11: priority: expected a whole number from -100 to 100, found the number 101',
    ],
    [
      'an unknown event',
      'steps: [a]\nwhen: { event: psuh }',
      '2:16: when.event: expected one or more of push, pull_request, tag, schedule, manual, found "psuh"',
    ],
    [
      'needs in a file of one job',
      'steps: [a]\nneeds: b',
      '2:1: the key "needs" names other jobs: write this one below "jobs"',
    ],
    ['jobs left empty', 'jobs:', '1:1: jobs: expected a mapping of job names to jobs, found nothing'],
    ['no jobs', 'jobs: {}', '1:7: jobs: expected 1 to 500 jobs, found an empty mapping'],
    [
      'a bad name of a job',
      'jobs:\n  Test: { steps: [a] }',
      '2:3: jobs: expected a job name of 1 to 63 lower-case letters, digits, _ and -, found "Test"',
    ],
    [
      'steps beside jobs',
      'jobs: { a: { steps: [a] } }\nsteps: [a]',
      '2:1: the key "steps" belongs to a job: move it below a job of "jobs"',
    ],
    [
      'a need that does not exist',
      'jobs:\n  build: { steps: [a] }\n  test: { steps: [a], needs: [biuld] }',
      '3:31: jobs.test.needs: expected the name of a job of this file (build, test), found "biuld". Did you mean "build"?',
    ],
    [
      'a need of itself',
      'jobs:\n  a: { steps: [a], needs: a }',
      '2:27: jobs.a.needs: jobs wait for each other in a circle: a -> a',
    ],
  ])('tells %s by its place', (_name, text, problem) => {
    expect(problemsIn(text)).toEqual([problem])
  })

  it('AC10: refuses an unsupported network mode and says what the supported ones mean', () => {
    const [problem] = problemsIn('steps: [a]\nnetwork: bridge')
    expect(problem).toContain('2:10: network: expected one of none (no way out of the machine), web (HTTP')
    expect(problem).toContain('internet (plain outbound')
    expect(problem).toContain('found "bridge"')
  })

  it('shows the circle in which jobs wait for each other', () => {
    const text =
      'jobs:\n  a: { steps: [a], needs: c }\n  b: { steps: [a], needs: a }\n  c: { steps: [a], needs: [b] }'
    expect(problemsIn(text)).toEqual([
      '2:27: jobs.a.needs: jobs wait for each other in a circle: a -> c -> b -> a',
    ])
  })

  it('guesses "jobs" where it is mistyped', () => {
    expect(problemsIn('jbos:\n  a: { steps: [x] }')).toContain(
      '1:1: unknown key "jbos": did you mean "jobs"?',
    )
  })

  it('tells all problems at once, in the order of the file, as one message', () => {
    const text = 'image: 5\nsteps:\n  - run: 1\nneeds: b\nnetwork: x\nnetwork: y\ntimeout: z\n'
    expect(problemsIn(text).map((problem) => problem.split(':')[0])).toEqual(['1', '3', '4', '5', '6', '7'])
    expect(() => parsePipeline({ file: 'dir/my.yml', text })).toThrow(
      /^6 problems in dir\/my\.yml\ndir\/my\.yml:1:8: image:/,
    )
  })

  it('gives the one problem of a file as one line', () => {
    expect(() => parsePipeline({ file: 'my.yml', text: 'steps: 1' })).toThrow(
      /^my\.yml:1:8: steps: expected a list of at least one step, found the number 1$/,
    )
  })

  it('tells the schema’s problems and the wrong needs together', () => {
    const text = 'jobs:\n  a: { steps: [], needs: zzz }'
    expect(problemsIn(text)).toHaveLength(2)
  })

  it('shows no more than 100 of very many problems, and says how many there are', () => {
    const text = `steps:\n${'  - 5\n'.repeat(20_000)}`
    expect(problemsIn(text)).toHaveLength(100)
  })

  it('refuses very many jobs without comparing them all', () => {
    const jobs = Array.from(
      { length: 5000 },
      (_, index) => `  j${index}: { steps: [a], needs: j${index + 1} }`,
    )
    expect(problemsIn(`jobs:\n${jobs.join('\n')}`)).toEqual([
      '2:3: jobs: expected 1 to 500 jobs, found a mapping',
    ])
  })

  it('throws nothing but ConfigError for any value at any key', () => {
    const keys = [
      'image',
      'resources',
      'env',
      'setup',
      'setup_files',
      'steps',
      'artifacts',
      'network',
      'timeout',
      'shell',
      'debug',
      'user_data',
      'needs',
      'matrix',
      'when',
      'concurrency',
      'retry',
      'secrets',
      'jobs',
      'other',
    ]
    const inner = fc.jsonValue({ maxDepth: 3 })
    const file = fc.dictionary(
      fc.constantFrom(...keys),
      fc.oneof(inner, fc.dictionary(fc.constantFrom(...keys), inner)),
    )
    fc.assert(
      fc.property(file, (value) => {
        try {
          parsePipeline({ file: 'f', text: JSON.stringify(value) })
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError)
          expect((error as ConfigError).problems.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: 500 },
    )
  })
})
