import type { Forge } from '../forge.ts'

/**
 * The forge that is none: folders that people submit. Nobody calls for them, so that no delivery is ever believed;
 * nobody is told how they are doing, but who submitted them.
 */
export const local: Forge<'local'> = {
  name: 'local',
  forms: false,
  keepsStatuses: false,
  events: [],
  identify: () => ({ event: undefined, forgeId: undefined }),
  repositoryName: () => undefined,
  verify: () => 'a local repository takes no webhooks',
  read: () => [{ kind: 'ignored', reason: 'a local repository takes no webhooks' }],
  statusRequest: () => undefined,
}
