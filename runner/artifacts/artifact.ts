export type Artifact = {
  /** Relative to the working directory and to `destination`. */
  readonly path: string
  /** Bytes received. */
  readonly bytes: number
  /** 0o755 where the guest's file was executable, else 0o644. */
  readonly mode: number
}

/** What was asked for and not fetched; none of these fails a job by itself. */
export type ArtifactProblem = {
  readonly kind: 'no-match' | 'refused' | 'unreadable'
  /** The pattern, or the path relative to the working directory. As the guest told it: quote before printing. */
  readonly path: string
  readonly reason: string
}
