import { z } from 'zod'
import { bounds, jobDefaults } from '../defaults.ts'
import { failureClasses } from '../errors.ts'
import { choice, meaningsOf } from '../schema/choice.ts'
import { duration } from '../schema/duration-schema.ts'
import { env } from '../schema/env-schema.ts'
import { oneOrMore } from '../schema/list.ts'
import { mapping } from '../schema/mapping.ts'
import { relativePath } from '../schema/relative-path.ts'
import { script } from '../schema/script.ts'
import { line, text } from '../schema/text.ts'
import { networkModes, stepNetworks } from './network-modes.ts'
import type { TriggerEvent } from './pipeline.ts'

/** Interpreter and flags of a script. */
export const shell = () => line('an interpreter and its flags, such as "sh -e" or "python3"')

export const step = z.union(
  [
    script(),
    mapping({
      run: script().meta({
        description:
          'The script: a file for the interpreter of `shell`, run as the login user in the working directory. CRLF line ends become LF.',
      }),
      name: line()
        .optional()
        .meta({
          description: `Name of the step in the log. Without one: the first line of \`run\`, cut at ${bounds.stepName} characters.`,
        }),
      timeout: duration()
        .optional()
        .meta({ description: "Time after which the step is stopped. Without one: the job's." }),
      shell: shell().optional().meta({ description: "Interpreter and its flags. Without one: the job's." }),
      env: env().optional().meta({ description: "Environment variables on top of the job's." }),
      network: choice(stepNetworks)
        .optional()
        .meta({
          description: `What this step can reach, and whatever runs meanwhile. ${meaningsOf(stepNetworks)}. Without it: what the job says. Not in a job with \`network: internet\`.`,
        }),
    }).meta({ id: 'step', description: 'One script of a job, with its own log section, status and time.' }),
  ],
  { error: 'expected a script or a mapping with "run"' },
)

const networkOf = (what: string) =>
  choice(stepNetworks)
    .optional()
    .meta({ description: `What ${what} can reach.`, default: jobDefaults.network })

const eitherWay = Object.entries(networkModes).map(([mode, meaning]) => `${mode} (${meaning})`)

export const network = z.union(
  [
    choice(networkModes),
    mapping({ setup: networkOf('`setup`'), steps: networkOf('steps that do not say so themselves') }).meta({
      id: 'network',
      description:
        'A way out for one part of the job and none for another, such as `{ setup: web, steps: none }`.',
    }),
  ],
  { error: `expected one of ${eitherWay.join(', ')}, or a mapping with "setup" and "steps"` },
)

const whens = {
  success: 'after all steps passed',
  failure: 'after a step failed or ran out of time',
  always: 'in both cases',
}

export const artifact = z.union(
  [
    relativePath(),
    mapping({
      path: relativePath().meta({
        description: 'Path or glob below the working directory; `**` crosses folders.',
      }),
      when: choice(whens)
        .optional()
        .meta({ description: `When to fetch it. ${meaningsOf(whens)}.`, default: jobDefaults.artifactWhen }),
    }).meta({
      id: 'artifact',
      description: 'Files that are fetched from the machine when the steps are over.',
    }),
  ],
  { error: 'expected a path or a mapping with "path"' },
)

const debugs = {
  failure: 'after a failure',
  always: 'after every job, and open to maintainers while its steps run',
  never: 'not at all',
}

const hows = {
  hold: 'it runs on and is open at once',
  park: 'it is frozen with the job and takes no memory, until somebody resumes it',
}

export const debug = mapping({
  on: choice(debugs)
    .optional()
    .meta({ description: `When to keep the machine. ${meaningsOf(debugs)}.`, default: jobDefaults.debug.on }),
  how: choice(hows)
    .optional()
    .meta({ description: `What becomes of it. ${meaningsOf(hows)}.`, default: jobDefaults.debug.how }),
  hold: duration()
    .optional()
    .meta({ description: 'For how long it is open.', default: jobDefaults.debug.hold }),
}).meta({
  id: 'debug',
  description:
    'Keeps the machine of a job for debug SSH once the verdict is known. Without `debug` nothing is kept.',
})

const events: Readonly<Record<TriggerEvent, string>> = {
  push: 'commits came to a branch',
  pull_request: 'a pull request was opened or changed',
  tag: 'a tag was made',
  schedule: 'its time has come',
  manual: 'a person asked for it',
}

const globs = (what: string) => oneOrMore(text(what), `${what} or a list of them`)

export const when = mapping({
  event: oneOrMore(choice(events), `one or more of ${Object.keys(events).join(', ')}`)
    .optional()
    .meta({ description: `What started the build. ${meaningsOf(events)}.` }),
  branch: globs('a glob for branches').optional().meta({ description: 'Branches, as globs.' }),
  tag: globs('a glob for tags').optional().meta({ description: 'Tags, as globs.' }),
  paths: globs('a glob for paths')
    .optional()
    .meta({ description: 'Changed files, as globs; one match is enough.' }),
}).meta({
  id: 'when',
  description: 'Conditions of a job; all that are given have to be met, else it is skipped.',
})

export const concurrency = mapping({
  group: line('the name of a group').meta({
    description: `Name of the group, within the repository. \${branch} (for a pull request pull/<number>), \${tag}, \${ref}, \${event}, \${pull_request} and \${job} stand for those of the build.`,
  }),
  cancel: z.boolean({ error: 'expected true or false' }).optional().meta({
    description: 'Cancel the running job of the group when a newer one comes, instead of waiting for it.',
    default: jobDefaults.concurrencyCancel,
  }),
}).meta({ id: 'concurrency', description: 'Jobs of one group run one at a time.' })

const priorities = `expected a whole number from -${bounds.priority} to ${bounds.priority}`

export const priority = z
  .int({ error: priorities })
  .min(-bounds.priority, { error: priorities })
  .max(bounds.priority, { error: priorities })

const retries = `expected a whole number from 0 to ${bounds.retries}`

export const retry = mapping({
  max: z
    .int({ error: retries })
    .min(0, { error: retries })
    .max(bounds.retries, { error: retries })
    .optional()
    .meta({ description: 'Attempts beside the first one.', default: jobDefaults.retry.max }),
  on: oneOrMore(
    z.enum(failureClasses, { error: `expected one of ${failureClasses.join(', ')}` }),
    'a class of errors or a list of them',
  )
    .optional()
    .meta({
      description: 'Classes of errors that are worth another attempt.',
      default: [...jobDefaults.retry.on],
    }),
}).meta({
  id: 'retry',
  description:
    'New attempts, each in a new machine, when the machine or the host failed. A failed step is never retried.',
})
