/** Releases what was acquired, last first, whatever fails on the way. */
export class Scope {
  #releases: { readonly what: string; readonly release: () => unknown }[] = []
  #closing: Promise<ScopeFault[]> | undefined

  /** Registers how to undo something; runs at once when the scope is already closed. */
  async defer(what: string, release: () => unknown): Promise<void> {
    this.#releases.push({ what, release })
    if (this.#closing !== undefined) {
      await this.#closing
      await this.#unwind()
    }
  }

  /** Idempotent; gives what could not be released instead of throwing, so that the rest still is. */
  close(): Promise<ScopeFault[]> {
    this.#closing ??= this.#unwind()
    return this.#closing
  }

  async #unwind(): Promise<ScopeFault[]> {
    const faults: ScopeFault[] = []
    for (let entry = this.#releases.pop(); entry !== undefined; entry = this.#releases.pop()) {
      try {
        await entry.release()
      } catch (error) {
        faults.push({ what: entry.what, error })
      }
    }
    return faults
  }
}

export type ScopeFault = { readonly what: string; readonly error: unknown }
