/** Every name of the vault in Redis: one hash a scope, the set of scopes, and a value that tells whether a key fits. */
export function vaultKeys(prefix: string): {
  scopes: string
  check: string
  values: (scope: string) => string
} {
  return {
    scopes: `${prefix}:secret-scopes`,
    check: `${prefix}:secret-check`,
    values: (scope) => `${prefix}:secrets:${scope}`,
  }
}
