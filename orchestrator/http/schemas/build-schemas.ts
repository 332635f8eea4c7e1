import { z } from 'zod'
import { forgeNames } from '../../model/forge-name.ts'

/** What the API says of a build and of its jobs; the one definition of both answers and their documentation. */
const states = [
  'waiting',
  'queued',
  'running',
  'passed',
  'failed',
  'errored',
  'timed-out',
  'cancelled',
  'skipped',
] as const
const jobStates = ['blocked', 'queued', 'claimed', ...states.slice(2)] as const

export const stateSchema = z.enum(states)

const parkedSchema = z.object({
  state: z.literal('parked'),
  parked: z.string(),
  until: z.string().describe('when it is removed'),
  bytes: z.number().describe('what it takes on disk'),
  why: z.string().optional().describe('why it was not resumed when somebody wanted that'),
})
const gatewaySchema = z.object({ host: z.string(), port: z.number(), hostKey: z.string() })

export const jobSchema = z.object({
  id: z.string(),
  build: z.string(),
  repository: z.string(),
  name: z.string(),
  state: z.enum(jobStates),
  attempt: z.number().int(),
  needs: z.array(z.string()).readonly(),
  image: z.string().optional(),
  resources: z.object({
    cpus: z.number(),
    memory: z.number().describe('bytes'),
    disk: z.number().describe('bytes'),
  }),
  runsOn: z.array(z.string()).readonly().optional().describe('labels that its host has to have'),
  host: z.string().optional(),
  created: z.string(),
  queued: z.string().optional(),
  started: z.string().optional(),
  ended: z.string().optional(),
  failure: z.string().optional(),
  reason: z.string().optional(),
  hint: z.string().optional(),
  waiting: z.string().optional(),
  debug: z
    .object({ by: z.string(), at: z.string() })
    .optional()
    .describe('who asked to look into this attempt'),
  visit: gatewaySchema.optional().describe('while its steps run: ssh -p PORT JOB@HOST'),
  hold: z
    .discriminatedUnion('state', [
      z.object({
        state: z.literal('held'),
        host: z.string(),
        until: z.string(),
        gateway: gatewaySchema,
      }),
      parkedSchema,
      z.object({ state: z.literal('resuming'), host: z.string() }),
      z.object({
        ...{ state: z.literal('ended'), host: z.string().optional(), ended: z.string(), why: z.string() },
      }),
      z.object({ state: z.literal('refused'), why: z.string() }),
    ])
    .optional()
    .describe('its machine, kept for maintainers: ssh -p PORT JOB@HOST'),
  url: z.string().describe('its page'),
})

export const buildSchema = z.object({
  id: z.string(),
  repository: z.string(),
  state: stateSchema,
  event: z.string(),
  sha: z.string(),
  ref: z.string(),
  branch: z.string().optional(),
  tag: z.string().optional(),
  title: z.string(),
  author: z.string(),
  pullRequest: z.object({ number: z.number(), fork: z.boolean(), url: z.string() }).optional(),
  created: z.string(),
  started: z.string().optional(),
  ended: z.string().optional(),
  problem: z.string().optional(),
  url: z.string().describe('its page'),
})

export const buildWithJobsSchema = buildSchema.extend({ jobs: z.array(jobSchema) })

export const buildPageSchema = z.object({ items: z.array(buildSchema), next: z.string().optional() })

export const submitSchema = z.object({
  forge: z.enum(forgeNames),
  repository: z.string().min(1).describe('owner/name'),
  ref: z.string().optional().describe('branch, tag or refs/…; the default branch without one'),
  sha: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .optional(),
  inputs: z.record(z.string(), z.string()).default({}),
  jobs: z.array(z.string()).optional().describe('only these'),
})

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(200).optional(),
})

export const buildQuery = pageQuery.extend({
  repository: z.string().max(300).optional(),
  branch: z.string().max(300).optional(),
  state: stateSchema.optional(),
})

export const errorSchema = z.object({ error: z.object({ message: z.string(), hint: z.string().optional() }) })
