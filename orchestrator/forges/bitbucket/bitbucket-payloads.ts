import { z } from 'zod'

const repository = z.object({ full_name: z.string() })
const person = z.object({ nickname: z.string().nullish(), display_name: z.string().nullish() }).nullish()

export const namedPayload = z.object({ repository })

const movedRef = z
  .object({
    type: z.string().nullish(),
    name: z.string(),
    target: z
      .object({
        hash: z.string(),
        message: z.string().nullish(),
        author: z.object({ raw: z.string().nullish() }).nullish(),
      })
      .nullish(),
  })
  .nullish()

export const pushPayload = z.object({
  actor: person,
  repository,
  push: z.object({ changes: z.array(z.object({ old: movedRef, new: movedRef })) }),
})

export type PushPayload = z.infer<typeof pushPayload>

const side = z.object({
  branch: z.object({ name: z.string() }),
  commit: z.object({ hash: z.string() }).nullish(),
  repository: repository.nullish(),
})

export const pullRequestPayload = z.object({
  actor: person,
  repository,
  pullrequest: z.object({
    id: z.int().positive(),
    title: z.string(),
    author: person,
    source: side,
    destination: side,
    links: z.object({ html: z.object({ href: z.string() }).nullish() }).nullish(),
  }),
})

export type PullRequestPayload = z.infer<typeof pullRequestPayload>
