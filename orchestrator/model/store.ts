import type { Build, BuildJob, BuildState, JobState } from './build.ts'
import type { Delivery, DeliveryVerdict } from './delivery.ts'
import type { Repository } from './repository.ts'

/**
 * What is live and the index, in Redis. Every write is one atomic step there. Lists are newest first; `cursor` is
 * what the last page gave, undefined for the first page.
 */
export type Store = {
  readonly builds: {
    /** Writes a build and its jobs at once; false, and nothing written, where there is a build of this id already. */
    add(build: Build, jobs: readonly BuildJob[]): Promise<boolean>
    get(id: string): Promise<Build | undefined>
    /** Changes fields; indexes follow. Undefined where there is no such build. */
    update(id: string, change: Partial<Omit<Build, 'id'>>): Promise<Build | undefined>
    list(filter: BuildFilter, page: Page): Promise<Paged<Build>>
    /**
     * Takes a finished build and its jobs out of the store, and notes that the folders of these attempts are to go.
     * False, and nothing done, where it has been run again since it was read.
     */
    remove(build: Build, attempts: readonly string[]): Promise<boolean>
    /** The same for one of its jobs; the build stays. */
    removeJob(build: Build, job: BuildJob, attempts: readonly string[]): Promise<boolean>
    /** The folders of a build or job that was removed are gone. */
    removed(id: string): Promise<void>
    /** Whether an id that is not there is of the time of builds that were pruned: it has gone, or never was. */
    isPruned(id: string): Promise<boolean>
  }
  readonly jobs: {
    get(id: string): Promise<BuildJob | undefined>
    ofBuild(build: string): Promise<BuildJob[]>
    /**
     * Changes a job only if it is in one of the states `from`, and `claim` where it is given is still its own.
     * Undefined where it was not: somebody else was faster.
     */
    change(
      id: string,
      from: readonly JobState[],
      change: Partial<Omit<BuildJob, 'id'>>,
      claim?: number,
    ): Promise<BuildJob | undefined>
    /**
     * Takes a job for a host: state `claimed`, fencing token grown by one. Undefined where it is not queued, or where
     * hosts have `most` jobs of its repository already.
     */
    claim(id: string, host: string, most?: number): Promise<BuildJob | undefined>
    /**
     * Gives a host's job to another, fencing token grown by one. Undefined where it has come to its end, or `claim` is
     * not its own any more.
     */
    takeOver(id: string, host: string, claim: number): Promise<BuildJob | undefined>
    /** Jobs in a state, the longest there first. */
    inState(state: JobState): Promise<BuildJob[]>
    /**
     * How many jobs of a repository are in a state, without a look at each. Not among them are those that have been
     * there since before Mayfly kept this count.
     */
    count(state: JobState, repository: string): Promise<number>
  }
  /** Concurrency groups: each is held by one job at a time. */
  readonly groups: {
    /**
     * Gives the group to a job where nobody holds it, or where `instead` does. Gives its holder now, which is the
     * job itself where it got the group or had it already.
     */
    take(group: string, job: string, instead?: string): Promise<string>
    /** Frees the group if this job still holds it. */
    release(group: string, job: string): Promise<void>
  }
  readonly deliveries: {
    /** Records a delivery and its raw body durably; false where its forge id is known already (it is recorded as duplicate). */
    record(delivery: Delivery, body: Buffer): Promise<boolean>
    get(id: string): Promise<Delivery | undefined>
    body(id: string): Promise<Buffer | undefined>
    update(id: string, change: Partial<Omit<Delivery, 'id'>>): Promise<void>
    list(filter: { repository?: string; verdict?: DeliveryVerdict }, page: Page): Promise<Paged<Delivery>>
  }
  readonly repositories: {
    put(repository: Repository): Promise<void>
    get(key: string): Promise<Repository | undefined>
    list(): Promise<Repository[]>
    remove(key: string): Promise<boolean>
  }
}

export type BuildFilter = {
  readonly repository?: string
  readonly branch?: string
  readonly state?: BuildState
}

export type Page = { readonly limit: number; readonly cursor: string | undefined }

export type Paged<T> = { readonly items: readonly T[]; readonly next: string | undefined }
