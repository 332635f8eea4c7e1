import type { Target } from './targets.ts'

/** What a probe found: the targets that answered, each with who did, and what the listeners saw of it. */
export type Probed = {
  readonly reached: readonly (Target & { readonly found: string })[]
  /** `tcp ADDRESS`, `udp` or `dns NAME`, each once. */
  readonly visits: readonly string[]
}

/** By network mode; `offline` and `allowed` are `web` in a step without network, and with an allow-list; in `openProxy` and `atRisk` the measures are off. */
export type Found = Readonly<
  Record<'none' | 'web' | 'offline' | 'allowed' | 'openProxy' | 'internet' | 'atRisk', Probed>
>
