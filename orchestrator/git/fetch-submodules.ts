import { once } from 'node:events'
import { createServer } from 'node:net'
import { createEgressProxy } from '../../runner/egress/egress-proxy.ts'
import { historyDepth } from './check-out.ts'
import type { CloneAccess } from './clone-access.ts'
import { gitFailure } from './git-failure.ts'
import type { GitParts } from './git-parts.ts'
import { runGit } from './run-git.ts'

/**
 * Fetches the submodules of a checkout. Their addresses are written by whoever wrote the commit, so they are fetched
 * without credentials, over https alone (http where the repository itself is), and by way of the proxy that keeps
 * jobs off private addresses; but for the repository's own server, which the operator named.
 */
export async function fetchSubmodules(order: {
  parts: GitParts
  tree: string
  access: CloneAccess
  doing: string
  signal: AbortSignal
}): Promise<void> {
  const { parts, tree, access, doing, signal } = order
  const { transport, url } = access.clone
  const proxy = await openProxy()
  const isHttp = transport === 'https' || transport === 'http'
  const own = isHttp ? [[`http.${new URL(url).origin}/.proxy`, ''] as const] : []
  try {
    const { ok, stderr } = await runGit({
      args: ['submodule', '--quiet', 'update', '--init', '--recursive', `--depth=${historyDepth}`],
      folder: tree,
      doing: `${doing}, submodules`,
      access: {
        transports: transport === 'http' ? ['https', 'http'] : ['https'],
        config: [['http.proxy', proxy.url], ...own],
      },
      signal,
      ms: parts.limits.ms,
    })
    if (!ok) {
      throw gitFailure({ doing: `${doing}, submodules`, stderr, secrets: access.secrets, accessHint })
    }
  } finally {
    proxy.close()
  }
}

const accessHint =
  "Submodules are fetched without credentials, and from private addresses only where the repository's own server is: make them public, or fetch them in a step."

/** The proxy has no port of its own; git needs one, on loopback, for as long as it runs. */
async function openProxy(): Promise<{ url: string; close(): void }> {
  const proxy = createEgressProxy({ policy: { audit: false } })
  const server = createServer((socket) => proxy.accept(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close()
      proxy.close()
    },
  }
}
