import type { Hosts } from '../hosts/hosts.ts'
import type { Store } from '../model/store.ts'

type Parts = { readonly store: Pick<Store, 'jobs'>; readonly hosts: Pick<Hosts, 'list'> }

/**
 * Whether a host that is alive says that it runs a job which the queue gave to somebody else: the queue missed its word
 * while Redis stood still. Should that host be lost after all, its jobs are ended like any other's.
 */
export async function runsElsewhere({ store, hosts }: Parts, id: string): Promise<boolean> {
  const job = await store.jobs.get(id)
  if (job?.host === undefined || (job.state !== 'claimed' && job.state !== 'running')) return false
  const host = (await hosts.list()).find(({ name }) => name === job.host)
  return host !== undefined && !host.stale && host.running.includes(id)
}
