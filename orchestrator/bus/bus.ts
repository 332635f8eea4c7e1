/** What one process of an installation tells the others. It says that something changed; the store says what it is now. */
export type BusMessage =
  /** Its record changed. */
  | { readonly type: 'build'; readonly id: string }
  | { readonly type: 'job'; readonly id: string; readonly build: string }
  /** Bytes on disk so far. */
  | { readonly type: 'log'; readonly job: string; readonly size: number }
  | { readonly type: 'console'; readonly job: string; readonly size: number }
  | { readonly type: 'cancel'; readonly job: string; readonly by: string }
  | { readonly type: 'kill'; readonly job: string; readonly by: string }
  /** The kept machine of a job is needed no more. */
  | { readonly type: 'release'; readonly job: string; readonly by: string }
  /** It is to be parked at once. */
  | { readonly type: 'park'; readonly job: string; readonly by: string }
  /** The parked machine of a job is wanted: whichever host can resumes it. */
  | { readonly type: 'resume'; readonly job: string; readonly by: string }
  | { readonly type: 'delivery'; readonly id: string }
  | { readonly type: 'host'; readonly id: string }

/**
 * Tells the processes of one installation about each other's changes, at most once: what was said while a process
 * was out of reach it never hears. Whoever must not miss a thing reads the store now and then as well.
 */
export type Bus = {
  /** Resolves when it is on its way, and also when it could not be sent; never rejects. */
  publish(message: BusMessage): Promise<void>
  /**
   * Calls `on` for each message from any process, this one too, and returns how to stop that. A subscriber that gives
   * a promise is left alone until it settles; of the messages about one thing that came meanwhile it gets the newest.
   */
  subscribe(on: (message: BusMessage) => void | Promise<void>): () => void
  close(): Promise<void>
}
