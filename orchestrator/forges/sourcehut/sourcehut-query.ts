import { createHmac } from 'node:crypto'

/**
 * The query to make a repository's hook with (`createGitWebhook`, event `GIT_POST_RECEIVE`).
 *
 * SourceHut signs the deliveries of all its users with one key, and a stranger's query may rename the fields of his
 * own repository to look like anyone's. The alias made from the repository's secret is in no stranger's query.
 *
 * A new ref has no name in `updates` (git.sr.ht api/webhooks/webhooks.go), so the repository's refs are asked for too.
 */
export function sourcehutQuery(secret: string): string {
  return `query {
  webhook {
    uuid
    event
    ${sourcehutAlias(secret)}: uuid
    ... on GitEvent {
      repository {
        name
        owner { canonicalName }
        references { results { name target } }
      }
      pusher { canonicalName }
      updates {
        ref { name }
        old { id }
        new {
          id
          ... on Commit { message author { name } }
          ... on Tag { name message tagger { name } target { id } }
        }
      }
    }
  }
}`
}

/** A GraphQL name that only who knows the secret can write. */
export function sourcehutAlias(secret: string): string {
  return `mayfly_${createHmac('sha256', secret).update('sourcehut webhook').digest('hex').slice(0, 32)}`
}
