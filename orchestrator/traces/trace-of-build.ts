import { createHash } from 'node:crypto'
import type { Build } from '../model/build.ts'
import type { Delivery } from '../model/delivery.ts'

/** Where the spans of a build belong. */
export type TracePlace = {
  readonly id: string
  /** Of the span of the build itself. */
  readonly build: string
  /** Of whoever called the webhook, where that said so. */
  readonly parent: string | undefined
}

/** W3C Trace Context, level 1: `00-TRACE-PARENT-FLAGS`. */
const traceparent = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$/

/**
 * The trace of a build: that of the webhook call where it came with one, as through a gateway that traces, else one by the
 * build's id. All processes come to the same, so that none has to tell the others.
 */
export function traceOfBuild({ id }: Pick<Build, 'id'>, delivery?: Pick<Delivery, 'headers'>): TracePlace {
  const [, trace, parent] = traceparent.exec(delivery?.headers.traceparent ?? '') ?? []
  return { id: trace ?? digest(`trace ${id}`, 32), build: spanId(id), parent }
}

/** Of what goes by these words in a trace. */
export function spanId(words: string): string {
  return digest(`span ${words}`, 16)
}

function digest(words: string, digits: number): string {
  return createHash('sha256').update(words).digest('hex').slice(0, digits)
}
