import { z } from 'zod'
import { readCloneUrl } from '../clone-url.ts'
import { bounds, repositoryDefaults } from '../defaults.ts'
import { choice } from '../schema/choice.ts'
import { imageName } from '../schema/image-name.ts'
import { mapping } from '../schema/mapping.ts'
import { relativePath } from '../schema/relative-path.ts'
import { formed } from '../schema/text.ts'
import type { NotifyEvent } from './host-config.ts'
import { hostPatterns, patternsInWords } from './host-patterns.ts'
import { path } from './path-schema.ts'

/** `owner/name`; GitLab has groups in groups, SourceHut writes `~owner`. Both sides of the key end up in paths. */
export const repositoryName = () =>
  formed(
    /^(?=.{3,150}$)(?!\.{1,2}\/)[\w.~-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/,
    'the name of a repository as its forge writes it, such as owner/name',
  ).meta({ title: 'owner/name' })

/** Says nothing of what it found: it may hold a token. */
export const cloneUrl = () =>
  z
    .string({ error: 'expected a clone URL' })
    .superRefine((value, context) => {
      try {
        readCloneUrl(value)
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        context.addIssue({ code: 'custom', message: message.replace(/; got /, ', found ') })
      }
    })
    .meta({ title: 'clone URL' })

/** A branch's name, of what git-check-ref-format(1) allows the part that needs no quoting anywhere. */
export const branchName = () =>
  formed(
    /^(?!.*(?:\.\.|\/\/|\/\.|@\{|\.lock(?:\/|$)))[^\s\p{Cc}~^:?*[\\./-][^\s\p{Cc}~^:?*[\\]{0,240}(?<![./])$|^[A-Za-z0-9_]$/u,
    'the name of a branch, such as main',
  ).meta({ title: 'branch' })

const urlWithoutCredentials = () =>
  z
    .url({ protocol: /^https?$/, error: 'expected a URL that starts with https:// or http://' })
    .refine((value) => new URL(value).username === '' && new URL(value).password === '', {
      error: 'expected a URL without credentials, found some in it',
    })
    .meta({ title: 'URL' })

/** Base of a forge's API. */
export const apiUrl = urlWithoutCredentials

/** Where builds are posted to. */
export const notifyUrl = urlWithoutCredentials

export const repositoryCount = () => {
  const error = 'expected a whole number of at least 1'
  return z.int({ error }).min(1, { error })
}

export const repositoryWeight = () => {
  const error = `expected a whole number from 1 to ${bounds.weight}`
  return z.int({ error }).min(1, { error }).max(bounds.weight, { error })
}

const { limits } = repositoryDefaults

const limitsOfRepository = mapping({
  running: repositoryCount()
    .optional()
    .meta({ description: 'Its jobs that run at a time. Without it: as many as fit.' }),
  weight: repositoryWeight()
    .optional()
    .meta({
      description: `Its share of the hosts while jobs of others wait too: with 2 it gets twice the machine time of one with 1. 1 to ${bounds.weight}, without it 1.`,
    }),
  queued: repositoryCount()
    .prefault(limits.queued)
    .meta({ description: 'Its jobs that wait; more are refused with the reason.' }),
  matrix: repositoryCount()
    .prefault(limits.matrix)
    .meta({ description: 'Jobs that one matrix of it may make.' }),
}).meta({ id: 'repository-limits', description: 'What a repository may take of all hosts together.' })

const yesOrNo = () => z.boolean({ error: 'expected true or false' })

export const networkOfRepository = mapping({
  allow: hostPatterns()
    .optional()
    .meta({
      description: `Hosts that its jobs reach, of those that the host lets them; ${patternsInWords}. Without it: all of those.`,
    }),
  deny: hostPatterns()
    .prefault([])
    .meta({ description: 'Hosts that they never reach. Stronger than `allow`.' }),
  audit: yesOrNo().prefault(false).meta({
    description:
      'Let pass what `allow` would refuse, and show on the page of each job the list that it needs.',
  }),
}).meta({ id: 'repository-network', description: 'What `network: web` reaches in jobs of a repository.' })

/** The form only; whether there is such a time is said by who plans it. */
export const cron = () =>
  formed(
    /^(?:[\dA-Za-z*?#,/-]+ +){4,5}[\dA-Za-z*?#,/-]+$/,
    'a time as crontab(5) writes it, such as "30 4 * * 1-5", or with seconds before it',
  ).meta({ title: 'cron' })

const schedule = mapping({
  cron: cron().meta({ description: 'When, in UTC: minute, hour, day of month, month, day of week.' }),
  branch: branchName().optional().meta({ description: 'What is built. Without it: `default_branch`.' }),
}).meta({ id: 'schedule', description: 'Builds that start by the clock.' })

export const notifyOn = () =>
  z
    .array(choice(notifyMeanings), { error: `expected a list of ${Object.keys(notifyMeanings).join(', ')}` })
    .min(1, { error: 'expected at least one event' })

const notifyMeanings = {
  started: 'its first job runs',
  ended: 'it has its verdict, whichever',
  passed: '',
  failed: '',
  errored: '',
  'timed-out': '',
  cancelled: '',
  skipped: '',
} satisfies Record<NotifyEvent, string>

const notifyTarget = mapping({
  url: notifyUrl().meta({ description: 'What the record of the build is posted to, signed.' }),
  on: notifyOn()
    .prefault([...repositoryDefaults.notifyOn])
    .meta({ description: 'When: `started`, a verdict, or `ended` for any verdict.' }),
}).meta({ id: 'notify', description: 'Who is told of builds, as Standard Webhooks.' })

const secretFiles = mapping({
  webhook: path().optional().meta({
    description: 'Secret that verifies its webhooks. Without one, Mayfly makes one and says it once.',
  }),
  token: path().optional().meta({ description: "Token that writes statuses through the forge's API." }),
  clone: path().optional().meta({
    description: 'Token that fetches a private repository over https; `user:password` is understood too.',
  }),
  notification: path().optional().meta({
    description:
      'Secret that signs what is sent to `notify`: `whsec_` and base64 of 24 to 64 bytes. Without one, Mayfly makes one and says it once.',
  }),
}).meta({
  id: 'secret-files',
  description: 'Files that hold secrets, one each. They are read at start and kept encrypted.',
})

/** One entry of `repositories` in the host file. */
export const repositoryEntry = mapping({
  forge: choice({ github: '', gitlab: '', gitea: 'Gitea or Forgejo', bitbucket: '', sourcehut: '' }).meta({
    description: 'What kind of forge it is on.',
  }),
  name: repositoryName().meta({ description: 'Owner and name as the forge writes them.' }),
  clone_url: cloneUrl().meta({
    description: 'What git fetches from: https, http, ssh, or an absolute path on this host. No credentials.',
  }),
  api_url: apiUrl().optional().meta({
    description:
      "Base of the forge's API, such as `https://codeberg.org/api/v1`. Without it: the public forge's, or its usual place on the host of `clone_url`.",
  }),
  pipeline_file: relativePath()
    .optional()
    .meta({ description: "Path of its pipeline file. Without it: the host's `pipeline_file`." }),
  images: z
    .array(imageName(), { error: 'expected a list of names of images' })
    .optional()
    .meta({ description: 'Images that its jobs may use. Without it: all.' }),
  network: networkOfRepository.optional().meta({ description: 'What its jobs reach with `network: web`.' }),
  limits: limitsOfRepository.prefault({}).meta({ description: 'What it may take.' }),
  default_branch: branchName().prefault(repositoryDefaults.branch).meta({
    description: "Branch whose pipeline file and checkpoints a fork's pull request gets.",
  }),
  submodules: z
    .boolean({ error: 'expected true or false' })
    .prefault(repositoryDefaults.submodules)
    .meta({ description: 'Fetch submodules too.' }),
  lfs: z
    .boolean({ error: 'expected true or false' })
    .prefault(repositoryDefaults.lfs)
    .meta({ description: 'Fetch files kept with git-lfs too; needs the program git-lfs on this host.' }),
  schedules: z
    .array(schedule, { error: 'expected a list of schedules' })
    .prefault([])
    .meta({ description: 'When to build it by the clock.' }),
  notify: z
    .array(notifyTarget, { error: 'expected a list of URLs to notify' })
    .prefault([])
    .meta({ description: 'Who is told of its builds.' }),
  secret_files: secretFiles.prefault({}).meta({ description: 'Where its secrets stand.' }),
}).meta({ id: 'repository', description: 'A repository that may start builds here.' })

export type RawRepositoryEntry = z.output<typeof repositoryEntry>
