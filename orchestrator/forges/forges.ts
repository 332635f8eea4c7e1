import type { ForgeName } from '../model/forge-name.ts'
import { bitbucket } from './bitbucket/bitbucket.ts'
import type { Forge } from './forge.ts'
import { gitea } from './gitea/gitea.ts'
import { github } from './github/github.ts'
import { gitlab } from './gitlab/gitlab.ts'
import { local } from './local/local.ts'
import { createSourcehut } from './sourcehut/sourcehut.ts'

export type Forges = Readonly<Record<ForgeName, Forge>> & { readonly local: Forge<'local'> }

/**
 * The adapters by name.
 * @param sourcehutKey base64 of the Ed25519 public key that a SourceHut of one's own signs with.
 *   @defaultValue sr.ht's
 * @throws ConfigError for a key that is none.
 */
export function createForges({ sourcehutKey }: { sourcehutKey?: string | undefined } = {}): Forges {
  const sourcehut = createSourcehut({ publicKey: sourcehutKey })
  return { github, gitlab, gitea, bitbucket, sourcehut, local }
}
