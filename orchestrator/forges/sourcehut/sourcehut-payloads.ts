import { z } from 'zod'

const entity = z.object({ canonicalName: z.string() })
const repository = z.object({
  name: z.string(),
  owner: entity,
  references: z.object({ results: z.array(z.object({ name: z.string(), target: z.string() })) }).nullish(),
})
const signature = z.object({ name: z.string().nullish() }).nullish()

export const namedPayload = z.object({ data: z.object({ webhook: z.object({ repository }) }) })

const updatedRef = z.object({
  ref: z.object({ name: z.string() }).nullish(),
  old: z.object({ id: z.string() }).nullish(),
  new: z
    .object({
      id: z.string(),
      message: z.string().nullish(),
      author: signature,
      /** Of an annotated tag, as its tagger and the commit it stands for are. */
      name: z.string().nullish(),
      tagger: signature,
      target: z.object({ id: z.string() }).nullish(),
    })
    .nullish(),
})

export type UpdatedRef = z.infer<typeof updatedRef>

const gitEvent = z.object({ repository, pusher: entity.nullish(), updates: z.array(updatedRef.nullable()) })

export type GitEvent = z.infer<typeof gitEvent>

export const gitEventPayload = z.object({ data: z.object({ webhook: gitEvent }) })
