/** What took time, with what is said of it. Times are milliseconds since 1970. */
export type Span = {
  readonly name: string
  /** 16 digits of hexadecimal, the same each time that it is told. */
  readonly id: string
  readonly parent: string | undefined
  readonly start: number
  readonly end: number
  readonly attributes: Readonly<Record<string, string | number>>
  /** Why it counts as failed; undefined where it does not. */
  readonly failed?: string | undefined
}

/** Spans of one trace. */
export type Trace = {
  /** 32 digits of hexadecimal. */
  readonly id: string
  readonly spans: readonly Span[]
}
