/** What a pull, a build or a check is doing, for a progress bar or a line. Bytes count from 0. */
export type ImageProgress =
  /** Another process does the same work; this one waits for it. */
  | { readonly phase: 'waiting'; readonly pid: number }
  | { readonly phase: 'checksum'; readonly url: string }
  /** `total` is unknown where the server does not say it. `resumed` is the offset at which this download began. */
  | {
      readonly phase: 'download'
      readonly bytes: number
      readonly total: number | undefined
      readonly resumed: number
    }
  /** `attempt` counts from 1; `delay` is the pause before it in milliseconds. */
  | { readonly phase: 'retry'; readonly attempt: number; readonly delay: number; readonly reason: string }
  | {
      readonly phase: 'copy' | 'decompress' | 'hash'
      readonly bytes: number
      readonly total: number | undefined
    }
  | { readonly phase: 'inspect' }
  | { readonly phase: 'convert' }
  /** One line of what a builder says. */
  | { readonly phase: 'build'; readonly line: string }

export type OnImageProgress = (progress: ImageProgress) => void
