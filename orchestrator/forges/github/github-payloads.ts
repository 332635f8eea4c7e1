import { z } from 'zod'

const repository = z.object({ full_name: z.string(), clone_url: z.string().nullish() })
const person = z.object({ login: z.string().nullish() })

export const namedPayload = z.object({ repository: z.object({ full_name: z.string() }) })

export const pushPayload = z.object({
  ref: z.string(),
  before: z.string().nullish(),
  after: z.string(),
  deleted: z.boolean().nullish(),
  head_commit: z
    .object({
      id: z.string(),
      message: z.string().nullish(),
      author: z.object({ name: z.string().nullish(), username: z.string().nullish() }).nullish(),
    })
    .nullish(),
  pusher: z.object({ name: z.string().nullish(), login: z.string().nullish() }).nullish(),
  sender: person.nullish(),
  repository,
})

export type PushPayload = z.infer<typeof pushPayload>

const side = { ref: z.string(), sha: z.string() }

export const pullRequestPayload = z.object({
  action: z.string(),
  pull_request: z.object({
    number: z.int().positive(),
    title: z.string(),
    html_url: z.string().nullish(),
    user: person.nullish(),
    head: z.object({ ...side, repo: z.object({ full_name: z.string() }).nullish() }),
    base: z.object({ ...side, sha: z.string().nullish(), repo: z.object({ full_name: z.string() }) }),
  }),
  sender: person.nullish(),
  repository,
})

export type PullRequestPayload = z.infer<typeof pullRequestPayload>
