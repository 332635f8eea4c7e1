import { z } from 'zod'
import { scalarText, variableName } from '../schema/env-schema.ts'
import { oneOrMore } from '../schema/list.ts'
import type { Matrix } from './pipeline.ts'

const combination = z
  .record(variableName(), scalarText(), { error: 'expected a mapping of axes to values' })
  .meta({ title: 'combination' })
const combinations = (what: string) =>
  z.array(combination, { error: 'expected a list of combinations' }).optional().meta({ description: what })

/** `{ axis: [values], include: [combinations], exclude: [combinations] }`, as a `Matrix`. */
export const matrix = z
  .object(
    {
      include: combinations('Combinations beside those of the axes.'),
      exclude: combinations('Combinations to leave out; a part of one leaves out all that have it.'),
    },
    { error: 'expected a mapping of axes to lists of values' },
  )
  .catchall(oneOrMore(scalarText(), 'a value or a list of values'))
  .superRefine(checkAxes)
  .transform(({ include, exclude, ...axes }): Matrix => {
    return { axes: axes as Record<string, string[]>, include: include ?? [], exclude: exclude ?? [] }
  })
  .meta({
    id: 'matrix',
    description:
      'Variants of one job. Every other key is an axis with its values, written as they are: `1.20` stays `1.20`. ' +
      `A variant has each value as the variable \`MATRIX_<AXIS>\`, in upper case, and in the place of \`\${matrix.axis}\` in \`image\`, \`setup\`, values of \`env\`, names and scripts of steps, and the concurrency group.`,
  })

function checkAxes(value: Record<string, unknown>, context: z.core.$RefinementCtx): void {
  const { include, exclude, ...axes } = value
  if (Object.keys(axes).length === 0 && include === undefined) {
    context.addIssue({ code: 'custom', message: 'expected at least one axis with values, found none' })
  }
  for (const [axis, values] of Object.entries(axes)) {
    const name = variableName().safeParse(axis)
    const [issue] = name.error?.issues ?? []
    if (issue !== undefined)
      context.addIssue({ code: 'custom', path: [axis], message: `${issue.message}, found "${axis}"` })
    if (Array.isArray(values) && values.length === 0) {
      context.addIssue({ code: 'custom', path: [axis], message: 'expected at least one value' })
    }
  }
  for (const [index, excluded] of (Array.isArray(exclude) ? exclude : []).entries()) {
    for (const axis of Object.keys(excluded as object)) {
      if (axis in axes) continue
      const message = `expected one of the axes ${Object.keys(axes).join(', ')}, found "${axis}"`
      context.addIssue({ code: 'custom', path: ['exclude', index, axis], message })
    }
  }
}
