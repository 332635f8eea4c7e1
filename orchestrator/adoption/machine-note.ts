import { z } from 'zod'

const life = z.object({
  started: z.string(),
  began: z.number(),
  clockBegan: z.number(),
  logSize: z.number(),
  console: z.object({ size: z.number(), held: z.number() }),
})

const whose = { job: z.string(), attempt: z.number() }

const jobNote = z.object({
  kind: z.literal('job'),
  ...whose,
  /** As they were when it began, so that all of them stay masked. */
  secrets: z.record(z.string(), z.string()),
  life,
})

const holdNote = z.object({
  kind: z.literal('hold'),
  ...whose,
  /** By `monotonicMs`. */
  until: z.number(),
  /** To be looked for once more before it is parked. */
  secrets: z.array(z.string()),
  /** Bytes of the job's console when the hold began. */
  consoleSize: z.number(),
})

/** What the next process of this host finds with a machine that outlived ours. */
export type JobMachineNote = z.infer<typeof jobNote>
export type HoldMachineNote = z.infer<typeof holdNote>

const schema = z.discriminatedUnion('kind', [jobNote, holdNote])

/** Undefined where it is not ours. */
export function readMachineNote(note: unknown): JobMachineNote | HoldMachineNote | undefined {
  return schema.safeParse(note).data
}
