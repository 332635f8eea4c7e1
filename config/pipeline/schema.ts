import { z } from 'zod'
import { bounds, hostDefaults, jobDefaults } from '../defaults.ts'
import { age } from '../schema/age-schema.ts'
import { meaningsOf } from '../schema/choice.ts'
import { duration } from '../schema/duration-schema.ts'
import { env, variableName } from '../schema/env-schema.ts'
import { jobImageName } from '../schema/image-name.ts'
import { jobLabels } from '../schema/label.ts'
import { oneOrMore } from '../schema/list.ts'
import { mapping } from '../schema/mapping.ts'
import { relativePath } from '../schema/relative-path.ts'
import { resources } from '../schema/resources-schema.ts'
import { script } from '../schema/script.ts'
import { formed } from '../schema/text.ts'
import { userData } from '../schema/user-data.ts'
import { artifact, concurrency, debug, network, priority, retry, shell, step, when } from './job-parts.ts'
import { matrix } from './matrix-schema.ts'
import { networkModes } from './network-modes.ts'

/** What a job has in common with others: written in a job, or beside `jobs` for all of them. */
const shared = {
  image: jobImageName()
    .optional()
    .meta({
      description: `Name of the image that the machine starts from. Without one: the host's \`default_image\`, which is \`${hostDefaults.image}\` unless the host file names another.`,
    }),
  resources: resources.optional().meta({ description: 'What the machine has.' }),
  runs_on: jobLabels().optional().meta({
    description:
      'Labels of the host that runs the job, one or a list; it has to have all of them. A host has those of its host file, its architecture (`x86_64` or `aarch64`), and `kvm` where KVM is proven to work. Without it: any host.',
  }),
  env: env().optional().meta({
    description:
      'Environment variables of every step. Numbers and booleans are text as written: `1.20` stays `1.20`.',
  }),
  setup: oneOrMore(script(), 'a script or a list of scripts').optional().meta({
    description:
      'Scripts that prepare the machine, such as installing packages. They run before the repository is uploaded and see no file of it but `setup_files`, so that their result is good for every commit.',
  }),
  setup_files: z.array(relativePath(), { error: 'expected a list of paths' }).optional().meta({
    description: 'Files of the repository that `setup` needs, such as a lock file. Paths or globs.',
  }),
  setup_max_age: age().optional().meta({
    description:
      'Age at which what `setup` made is made anew, though nothing of it has changed: the packages that it installed do.',
    default: jobDefaults.setupMaxAge,
  }),
  artifacts: oneOrMore(artifact, 'a list of paths').optional().meta({
    description: 'Files to fetch from the machine when the steps are over. A path, a mapping, or a list.',
  }),
  network: network.optional().meta({
    description: `What the job can reach. ${meaningsOf(networkModes)}. A mapping says it for \`setup\` and the steps apart.`,
    default: jobDefaults.network,
  }),
  timeout: duration()
    .optional()
    .meta({ description: 'Time for the whole job, its boot included.', default: jobDefaults.timeout }),
  shell: shell().optional().meta({
    description: 'Interpreter and flags of `setup` and of steps that name none.',
    default: jobDefaults.shell,
  }),
  debug: debug.optional().meta({ description: 'Keeps the machine for debug SSH.' }),
  user_data: userData().optional().meta({
    description:
      "cloud-init user-data for the machine's first boot: a `#cloud-config` text or a script that starts with `#!`. Merged with Mayfly's own, so that its login keeps working.",
  }),
  when: when.optional().meta({ description: 'When the job runs at all.' }),
  retry: retry.optional().meta({ description: "New attempts after errors that are not the job's." }),
  priority: priority.optional().meta({
    description:
      'Place among the jobs of its repository that wait for a host: larger is sooner. Within one priority, runs by hand come before tags, these before pushes and pull requests, and these before schedules.',
    default: jobDefaults.priority,
  }),
  secrets: z.array(variableName(), { error: 'expected a list of names of secrets' }).optional().meta({
    description: 'Names of secrets that the steps get as environment variables. Masked in every log.',
  }),
}

const noSteps = 'expected a list of at least one step'

const steps = {
  steps: z.array(step, { error: noSteps }).min(1, { error: noSteps }).meta({
    description: 'What the job does, one after the other. A step is a script, or a mapping with `run`.',
  }),
}

const ofOneJob = {
  matrix: matrix.optional().meta({ description: 'Variants of the job.' }),
  concurrency: concurrency.optional().meta({ description: 'Jobs that must not run at the same time.' }),
}

const jobName = () =>
  formed(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'a job name of 1 to 63 lower-case letters, digits, _ and -').meta({
    title: 'job name',
  })

const body = mapping({
  ...steps,
  ...shared,
  ...ofOneJob,
  needs: oneOrMore(jobName(), 'the name of a job or a list of them')
    .optional()
    .meta({ description: 'Jobs that must have passed before this one starts.' }),
}).meta({ id: 'job', description: "One machine's worth of work." })

const belongsToJob = (key: string) => `the key "${key}" belongs to a job: move it below a job of "jobs"`
const jobsBound = `expected 1 to ${bounds.jobs} jobs`

/** A file with `jobs:`. */
export const severalJobs = mapping(
  {
    jobs: z
      .record(jobName(), body, { error: 'expected a mapping of job names to jobs' })
      .refine((jobs) => Object.keys(jobs).length > 0 && Object.keys(jobs).length <= bounds.jobs, {
        error: jobsBound,
      })
      .meta({ description: 'The jobs by name.' }),
    ...shared,
  },
  {
    misplaced: Object.fromEntries(
      ['steps', 'needs', 'matrix', 'concurrency'].map((key) => [key, belongsToJob(key)]),
    ),
  },
)

/** A file that is one job. */
export const oneJob = mapping(
  { ...steps, ...shared, ...ofOneJob },
  { also: ['jobs'], misplaced: { needs: 'the key "needs" names other jobs: write this one below "jobs"' } },
)

/** The pipeline file. The JSON Schema and the reference are generated from it. */
export const pipelineSchema = z.union([oneJob, severalJobs])

export type JobBody = z.output<typeof body>
export type SharedBody = Omit<z.output<typeof severalJobs>, 'jobs'>
