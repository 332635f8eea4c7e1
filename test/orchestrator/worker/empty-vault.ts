import type { Vault } from '../../../orchestrator/secrets/vault.ts'

/** A vault without a secret that keeps none. */
export const emptyVault: Vault = {
  set: async () => undefined,
  remove: async () => false,
  names: async () => [],
  get: async () => undefined,
  resolve: async () => ({}),
}
