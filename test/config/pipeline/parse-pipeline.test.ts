import { describe, expect, it } from 'vitest'
import { parsePipeline } from '../../../config/pipeline/parse-pipeline.ts'

const parse = (text: string) => parsePipeline({ file: '.mayfly.yml', text })
const jobOf = (text: string) => {
  const [job] = parse(text).jobs
  if (job === undefined) throw new Error('expected a job')
  return job
}

describe('parsePipeline with one job at the top level', () => {
  it('fills in every default', () => {
    expect(parse('steps:\n  - make check\n')).toEqual({
      file: '.mayfly.yml',
      jobs: [
        {
          name: 'main',
          image: undefined,
          resources: {},
          env: {},
          setup: [],
          setupFiles: [],
          setupMaxAge: 7 * 24 * 60 * 60 * 1000,
          steps: [{ name: 'make check', run: 'make check', timeout: undefined, shell: 'sh -e', env: {} }],
          artifacts: [],
          network: 'web',
          timeout: 1_800_000,
          shell: 'sh -e',
          debug: { on: 'never', how: 'hold', hold: 1_800_000 },
          userData: undefined,
          needs: [],
          matrix: undefined,
          when: { event: undefined, branch: undefined, tag: undefined, paths: undefined },
          concurrency: undefined,
          priority: 0,
          retry: {
            max: 1,
            on: [
              'image',
              'boot',
              'guest-panic',
              'machine-died',
              'ssh-lost',
              'upload',
              'collect',
              'host-disk-full',
              'host-lost',
            ],
          },
          secrets: [],
        },
      ],
    })
  })

  it('reads the example of the design', () => {
    const job = jobOf(`
image: debian-12-local
resources: { cpus: 2, memory: 2GiB, disk: 10GiB }
env: { CI: "true" }
setup:
  - apt-get update && apt-get install -y build-essential
steps:
  - run: ./configure && make
  - name: test
    run: make check
    timeout: 10m
artifacts: [ "build/*.tar.gz", { path: "test-results/**", when: always } ]
network: web                 # none | web | internet
timeout: 30m
debug: { on: failure, how: park, hold: 30m }
`)
    expect(job).toMatchObject({
      image: 'debian-12-local',
      resources: { cpus: 2, memory: 2 * 1024 ** 3, disk: 10 * 1024 ** 3 },
      env: { CI: 'true' },
      setup: ['apt-get update && apt-get install -y build-essential'],
      steps: [
        { name: './configure && make', timeout: undefined },
        { name: 'test', run: 'make check', timeout: 600_000 },
      ],
      artifacts: [
        { path: 'build/*.tar.gz', when: 'success' },
        { path: 'test-results/**', when: 'always' },
      ],
      debug: { on: 'failure', how: 'park', hold: 1_800_000 },
    })
  })

  it('makes text of numbers and booleans in env, as they are written', () => {
    expect(jobOf('steps: [x]\nenv: { A: 1.20, B: true, C: "", D: 007 }').env).toEqual({
      A: '1.20',
      B: 'true',
      C: '',
      D: '007',
    })
  })

  it('takes setup as one script or as a list', () => {
    expect(jobOf('steps: [x]\nsetup: a').setup).toEqual(['a'])
    expect(jobOf('steps: [x]\nsetup: [a, b]\nsetup_files: [package-lock.json]')).toMatchObject({
      setup: ['a', 'b'],
      setupFiles: ['package-lock.json'],
    })
  })

  it('takes an age of its setup, of years if need be, which a job can say anew for itself', () => {
    expect(jobOf('steps: [x]\nsetup: a\nsetup_max_age: 400d').setupMaxAge).toBe(400 * 24 * 60 * 60 * 1000)
    const { jobs } = parse(
      'setup_max_age: 12h\njobs:\n  a: { steps: [x] }\n  b: { steps: [x], setup_max_age: 30m }\n',
    )
    expect(jobs.map(({ setupMaxAge }) => setupMaxAge)).toEqual([43_200_000, 1_800_000])
  })

  it('gives steps their own shell, else the one of the job', () => {
    const job = jobOf('shell: bash -e\nsteps:\n  - a\n  - { run: print(1), shell: python3, env: { X: 1 } }')
    expect(job.steps.map(({ shell }) => shell)).toEqual(['bash -e', 'python3'])
    expect(job.steps[1]?.env).toEqual({ X: '1' })
  })

  it('names a step after the first line that says something, cut at 60 characters and fit for a terminal', () => {
    const job = jobOf(`steps:\n  - "\\n\\n  echo\\tone \\e[31m\\necho two"\n  - ${'é'.repeat(80)}\n`)
    expect(job.steps[0]?.name).toBe('echo one [31m')
    expect(job.steps[1]?.name).toBe(`${'é'.repeat(59)}…`)
  })

  it('turns CRLF line ends of scripts into LF, however they came there', () => {
    expect(jobOf('steps:\r\n  - |\r\n    a\r\n    b\r\n').steps[0]?.run).toBe('a\nb\n')
    expect(jobOf('steps: ["a\\r\\nb"]').steps[0]?.run).toBe('a\nb')
  })

  it('keeps tabs in scripts', () => {
    expect(jobOf('steps:\n  - |\n    all:\n    \techo\n').steps[0]?.run).toBe('all:\n\techo\n')
  })

  it('keeps the machine after a failure when debug is there at all', () => {
    expect(jobOf('steps: [x]\ndebug: { hold: 5m }').debug).toEqual({
      ...{ on: 'failure', how: 'hold', hold: 300_000 },
    })
  })

  it('reads matrix, when, concurrency, retry and secrets', () => {
    const job = jobOf(`
steps: [x]
matrix: { go: [1.20, 1.3], os: linux, include: [{ go: 1.40 }], exclude: [{ go: 1.3, os: linux }] }
when: { event: push, branch: [main, 1.0], paths: "src/**" }
concurrency: { group: deploy, cancel: true }
retry: { max: 0, on: boot }
secrets: [TOKEN, TOKEN]
`)
    expect(job.matrix).toEqual({
      axes: { go: ['1.20', '1.3'], os: ['linux'] },
      include: [{ go: '1.40' }],
      exclude: [{ go: '1.3', os: 'linux' }],
    })
    expect(job.when).toEqual({ event: ['push'], branch: ['main', '1.0'], tag: undefined, paths: ['src/**'] })
    expect(job.concurrency).toEqual({ group: 'deploy', cancel: true })
    expect(job.retry).toEqual({ max: 0, on: ['boot'] })
    expect(job.secrets).toEqual(['TOKEN'])
  })

  it('takes user-data that is cloud-config or a script', () => {
    const cloudConfig = '#cloud-config\npackages: [jq]\n'
    expect(jobOf(`steps: [x]\nuser_data: |\n  #cloud-config\n  packages: [jq]\n`).userData).toBe(cloudConfig)
    expect(jobOf('steps: [x]\nuser_data: "#!/bin/sh\\r\\necho"').userData).toBe('#!/bin/sh\necho')
  })
})

describe('parsePipeline with several jobs', () => {
  it('gives jobs in the order of the file, also those with numbers as names', () => {
    const { jobs } = parse(
      'jobs:\n  test: { steps: [x] }\n  20: { steps: [x] }\n  3: { steps: [x], needs: [test, 20] }\n'.replace(
        '[test, 20]',
        '[test, "20"]',
      ),
    )
    expect(jobs.map(({ name }) => name)).toEqual(['test', '20', '3'])
    expect(jobs[2]?.needs).toEqual(['test', '20'])
  })

  it('shares what stands beside jobs, and lets a job say otherwise', () => {
    const { jobs } = parse(`
image: debian-12
resources: { cpus: 4, memory: 1GiB }
env: { A: shared, B: shared }
timeout: 5m
setup: prepare
jobs:
  plain:
    steps: [x]
  own:
    image: rocky-9
    resources: { memory: 2GiB }
    env: { B: own }
    timeout: 1m
    setup: []
    needs: plain
    steps: [x]
`)
    expect(jobs[0]).toMatchObject({
      image: 'debian-12',
      resources: { cpus: 4, memory: 1024 ** 3 },
      env: { A: 'shared', B: 'shared' },
      timeout: 300_000,
      setup: ['prepare'],
    })
    expect(jobs[1]).toMatchObject({
      image: 'rocky-9',
      resources: { cpus: 4, memory: 2 * 1024 ** 3 },
      env: { A: 'shared', B: 'own' },
      timeout: 60_000,
      setup: [],
      needs: ['plain'],
    })
  })
})
