import type { HostStatus } from '../../../orchestrator/model/queue-view.ts'
import type { Self } from '../../../orchestrator/worker/watch-self.ts'

/** What a host says of itself, as a test wants it. */
export function aSelf(facts: Partial<HostStatus> = {}): Self {
  return {
    facts: () => facts,
    labels: () => facts.labels ?? [],
    touch: () => undefined,
    close: async () => undefined,
  }
}
