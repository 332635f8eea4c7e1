import { z } from 'zod'

const project = z.object({ path_with_namespace: z.string(), git_http_url: z.string().nullish() })
const author = z.object({ name: z.string().nullish() }).nullish()

export const namedPayload = z.object({ project: z.object({ path_with_namespace: z.string() }) })

export const kindPayload = z.object({ object_kind: z.string() })

export const pushPayload = z.object({
  ref: z.string(),
  before: z.string().nullish(),
  after: z.string(),
  checkout_sha: z.string().nullish(),
  /** Of an annotated tag. */
  message: z.string().nullish(),
  user_username: z.string().nullish(),
  user_name: z.string().nullish(),
  commits: z.array(z.object({ id: z.string(), message: z.string().nullish(), author })).nullish(),
  push_options: z
    .union([z.array(z.string()), z.object({ ci: z.object({ skip: z.unknown().optional() }).nullish() })])
    .nullish()
    .catch(undefined),
  project,
})

export type PushPayload = z.infer<typeof pushPayload>

export const mergeRequestPayload = z.object({
  user: z.object({ username: z.string().nullish() }).nullish(),
  project,
  object_attributes: z.object({
    iid: z.int().positive(),
    action: z.string().nullish(),
    oldrev: z.string().nullish(),
    title: z.string(),
    url: z.string().nullish(),
    source_branch: z.string(),
    target_branch: z.string(),
    source_project_id: z.number().nullish(),
    target_project_id: z.number(),
    last_commit: z.object({ id: z.string(), author }).nullish(),
  }),
})

export type MergeRequestPayload = z.infer<typeof mergeRequestPayload>
