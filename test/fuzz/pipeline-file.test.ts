import fc from 'fast-check'
import { expect } from 'vitest'
import { ConfigError } from '../../config/errors.ts'
import { parsePipeline } from '../../config/pipeline/parse-pipeline.ts'
import { fuzz } from './fuzz.ts'

const keys = fc.constantFrom(
  ...['image', 'resources', 'cpus', 'memory', 'disk', 'env', 'setup', 'setup_files', 'steps', 'run', 'name'],
  ...[
    'artifacts',
    'path',
    'network',
    'timeout',
    'shell',
    'debug',
    'on',
    'hold',
    'user_data',
    'needs',
    'jobs',
  ],
  ...[
    'matrix',
    'include',
    'exclude',
    'when',
    'branch',
    'event',
    'concurrency',
    'retry',
    'secrets',
    'a',
    '__proto__',
  ],
)
const words = fc.constantFrom(
  'a',
  '10m',
  '2GiB',
  '1e9',
  '-1',
  'always',
  'failure',
  'web',
  '*',
  '**/x',
  '../x',
  '~',
)
const scalar = fc.oneof(words, fc.string({ maxLength: 12 }), fc.integer(), fc.boolean(), fc.constant(null))
const { node } = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    fc.array(tie('node'), { maxLength: 4 }),
    fc.array(fc.tuple(keys, tie('node')), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs)),
  ),
}))
const scraps = fc.array(
  fc.oneof(
    keys,
    words,
    fc.constantFrom(': ', '\n', '\n  ', '\n    ', '- ', '[', ']', '{', '}', '"', "'"),
    fc.constantFrom(...'&a,*a,|,>,#,\t,\0,? ,!t ,---\n,<<,%,\r\n,\u2028,\ufeff'.split(',')),
  ),
  { maxLength: 40 },
)

fuzz({
  target: 'pipeline-file',
  cases: fc.oneof(
    node.map((value) => JSON.stringify(value)),
    scraps.map((all) => all.join('')),
    fc.tuple(node, fc.nat(), fc.string({ maxLength: 3 })).map(([value, at, text]) => {
      const whole = JSON.stringify(value)
      const place = at % (whole.length + 1)
      return whole.slice(0, place) + text + whole.slice(place + 1)
    }),
  ),
  holds(text) {
    try {
      const { jobs } = parsePipeline({ file: 'f', text })
      expect(jobs.length).toBeGreaterThan(0)
      for (const { name, steps } of jobs) {
        expect(name).not.toBe('')
        expect(steps.length).toBeGreaterThan(0)
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      const lines = text.split('\n').length
      expect(error.problems.length).toBeGreaterThan(0)
      for (const { line, column } of error.problems) {
        expect(line).toBeGreaterThanOrEqual(1)
        expect(line).toBeLessThanOrEqual(lines + 1)
        expect(column).toBeGreaterThanOrEqual(1)
      }
    }
    expect(({} as Record<string, unknown>).a).toBeUndefined()
  },
})
