import { z } from 'zod'

/** Turns a function that throws into a zod transform, its message into the issue's. */
export const parsedBy =
  <In, Out>(parse: (value: In) => Out) =>
  (value: In, context: z.core.$RefinementCtx<In>): Out => {
    try {
      return parse(value)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
      return z.NEVER
    }
  }
