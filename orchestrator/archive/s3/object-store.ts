/**
 * Objects of one bucket below one prefix. Keys count from the prefix. Everything that fails is tried again a few times
 * before it throws a ConfigError (bucket, key or rights) or an InfraError (not to be reached, or out of order).
 */
export type ObjectStore = {
  /** Durable when it resolves; in place of what had the key before. For what fits into memory. */
  put(key: string, body: string | Buffer, signal?: AbortSignal): Promise<void>
  /** The same for a file of any size, in parts of a few MiB, never all in memory. */
  putFile(key: string, path: string): Promise<void>
  /** Undefined where there is no such object. */
  get(key: string, span?: { readonly start: number; readonly end: number }): Promise<Buffer | undefined>
  /** Bytes; undefined where there is no such object. */
  size(key: string): Promise<number | undefined>
  /** All objects whose keys begin so, in the order of their keys. */
  list(start: string): AsyncGenerator<StoredObject>
  /** What stands between `start` and the next slash of the keys that begin so, each once and in order. */
  folders(start: string): AsyncGenerator<string>
  /** No error where there is none. */
  remove(key: string): Promise<void>
  /** All objects whose keys begin so. */
  removeAll(start: string): Promise<void>
  /** @throws ConfigError, InfraError where the bucket cannot be used */
  check(): Promise<void>
  close(): void
}

export type StoredObject = { readonly key: string; readonly bytes: number }
