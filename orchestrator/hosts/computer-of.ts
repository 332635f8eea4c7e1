import type { HostStatus } from '../model/queue-view.ts'

/** What a host is called, whatever process serves there; of one of an earlier version, its name without the process. */
export function computerOf({ name, computer }: Pick<HostStatus, 'name' | 'computer'>): string {
  return computer ?? name.replace(/-\d+$/, '')
}
