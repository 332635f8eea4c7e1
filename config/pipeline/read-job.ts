import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import type { Job, Step } from './pipeline.ts'

/**
 * A job that was planned before, read back from JSON so that it can be run by itself: what of it decides when and after
 * what it runs is left out, and nobody debugs it.
 * @throws ConfigError where it is none
 */
export function readJob(value: unknown): Job {
  const read = jobSchema.safeParse(value)
  if (!read.success) {
    const { path, message } = read.error.issues[0] ?? { path: [], message: 'it is none' }
    throw new ConfigError(
      `expected a job as it was planned, got ${path.join('.') || 'something else'}: ${message}`,
      {
        hint: 'it may come from a newer Mayfly',
      },
    )
  }
  const { image, userData, resources, steps, ...job } = read.data
  const { cpus, memory, disk } = resources
  return {
    ...job,
    image,
    userData,
    resources: {
      ...(cpus === undefined ? {} : { cpus }),
      ...(memory === undefined ? {} : { memory }),
      ...(disk === undefined ? {} : { disk }),
    },
    steps: steps.map(({ timeout, ...step }): Step => ({ ...step, timeout })),
    artifacts: [],
    debug: { on: 'never', how: 'hold', hold: 0 },
    needs: [],
    matrix: undefined,
    when: { event: undefined, branch: undefined, tag: undefined, paths: undefined },
    concurrency: undefined,
    retry: { max: 0, on: [] },
    priority: 0,
  }
}

const env = z.record(z.string(), z.string())
const size = z.number().positive()
const offline = z.boolean().optional()

const jobSchema = z.object({
  name: z.string().max(200),
  image: z.string().optional(),
  resources: z.object({ cpus: size.optional(), memory: size.optional(), disk: size.optional() }),
  env,
  setup: z.array(z.string()),
  setupFiles: z.array(z.string()),
  setupMaxAge: z.number(),
  steps: z.array(
    z.object({
      name: z.string(),
      run: z.string(),
      timeout: z.number().optional(),
      shell: z.string(),
      env,
      offline,
    }),
  ),
  network: z.enum(['none', 'web', 'internet']),
  offlineSetup: offline,
  timeout: z.number().positive(),
  shell: z.string(),
  userData: z.string().optional(),
  secrets: z.array(z.string()),
})
