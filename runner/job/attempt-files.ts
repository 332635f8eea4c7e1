import type { Readable } from 'node:stream'

/** Bytes from offset `start` to before offset `end`; to the file's present end where there is none. */
export type ByteSpan = { readonly start: number; readonly end?: number }

/**
 * What there is of one attempt at a job, wherever its files lie. Names are those of runner/job/filenames.ts, or paths
 * such as `artifacts/report.txt`, and never come from outside unchecked.
 */
export type AttemptFiles = {
  /** Bytes so far; undefined where there is no such file (yet). */
  size(name: string): Promise<number | undefined>
  /** Whether there is a file or a folder of this name. */
  isThere(name: string): Promise<boolean>
  /** The bytes of a span, fewer where the file ends before it. @throws where there is no such file */
  read(name: string, span: ByteSpan): Promise<Buffer>
  /** The same for spans of any length; an absent file is an error on the stream. */
  stream(name: string, span: ByteSpan & StreamOptions): Readable
  /** The files in and below a folder, none where it is not there; paths count from it. */
  list(folder: string): Promise<StoredFile[]>
  /**
   * Whether everything that was written of the attempt can be read here; false while it is on its way from the host
   * that ran it.
   */
  isComplete(): Promise<boolean>
}

export type StreamOptions = {
  readonly signal?: AbortSignal
  /** Bytes of a chunk at most. @defaultValue 64 KiB */
  readonly blockBytes?: number
}

export type StoredFile = { readonly path: string; readonly bytes: number }
