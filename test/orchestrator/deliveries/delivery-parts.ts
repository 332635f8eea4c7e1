import { createHmac, randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { ulid } from 'ulid'
import { buildId } from '../../../orchestrator/builds/build-id.ts'
import { createNonceLedger } from '../../../orchestrator/deliveries/nonce-ledger.ts'
import type { DeliveryAnswer, ReceiveDelivery } from '../../../orchestrator/deliveries/receive-delivery.ts'
import { receiveDelivery } from '../../../orchestrator/deliveries/receive-delivery.ts'
import { createForges } from '../../../orchestrator/forges/forges.ts'
import type { Build } from '../../../orchestrator/model/build.ts'
import type { ForgeName } from '../../../orchestrator/model/forge-name.ts'
import type { Repository } from '../../../orchestrator/model/repository.ts'
import type { Store } from '../../../orchestrator/model/store.ts'
import type { Trigger } from '../../../orchestrator/model/trigger.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { aRepository } from '../a-repository.ts'
import type { RealRedis } from '../real-redis.ts'

export const secret = 'webhook-secret-of-gitea'
export const log = pino({ level: 'silent' })
export const newId = () => ulid().toLowerCase()
let rounds = 0

/** A store of its own on a real Redis, with `gitea:gitea/webhooks` registered, and what deliveries need beside it. */
export async function deliveryParts(redis: RealRedis, { withSecret = true } = {}) {
  rounds += 1
  const prefix = `test${rounds}`
  const connection = redis.connect()
  const store: Store = createRedisStore({ redis: connection, prefix })
  await store.repositories.put(aRepository({ name: 'gitea/webhooks' }))
  const enqueued: string[] = []
  const forges = createForges({ sourcehutKey: 'F7k4oR71tCjbnmwxnX2pFpELfzsn06Rs/gf6ysjiMWA=' })
  const vault = {
    get: async (_: string, name: string) => (withSecret && name === 'mayfly:webhook' ? secret : undefined),
  }
  const parts = {
    store,
    vault,
    nonces: createNonceLedger({ redis: connection, prefix }),
    enqueue: async (id: string) => {
      enqueued.push(id)
    },
    now: () => new Date(),
    newId,
    remote: '192.0.2.7',
  }
  const receive = (call: Partial<ReceiveDelivery> & { from?: ForgeName }): Promise<DeliveryAnswer> => {
    const { from = 'gitea', ...rest } = call
    return receiveDelivery({ ...parts, forge: forges[from], headers: {}, rawBody: Buffer.alloc(0), ...rest })
  }
  return { prefix, connection, store, forges, vault, enqueued, receive }
}

export type DeliveryParts = Awaited<ReturnType<typeof deliveryParts>>

/** A webhook as Gitea sends it, rightly signed. */
export function signed(body: unknown, change: Record<string, string> = {}) {
  const rawBody = Buffer.from(JSON.stringify(body))
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-gitea-event': 'push',
    'x-gitea-delivery': randomUUID(),
    'x-gitea-signature': createHmac('sha256', secret).update(rawBody).digest('hex'),
    authorization: 'Basic c2VjcmV0',
    cookie: 'session=secret',
    'user-agent': 'Go-http-client/1.1',
    ...change,
  }
  return { rawBody, headers }
}

/** Keeps what it is asked for, and writes builds as the real one does; told to fail, it does so that many times. */
export function recordingBuilds(store: Store) {
  const asked: { repository: Repository; trigger: Trigger; delivery?: string }[] = []
  const superseded: unknown[] = []
  const failures: Error[] = []
  return {
    asked,
    superseded,
    failures,
    create: async (request: { repository: Repository; trigger: Trigger; delivery?: string }) => {
      asked.push(request)
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      const build = aBuild(request)
      const isNew = await store.builds.add(build, [])
      return { build, reasons: [isNew ? '1 job: main' : `build ${build.id} was made before`] }
    },
    explain: async () => ({ reasons: ['main: would run'], jobs: ['main'] }),
    supersede: async (match: unknown) => {
      superseded.push(match)
      return 2
    },
  }
}

function aBuild({ trigger, delivery }: { trigger: Trigger; delivery?: string }): Build {
  return {
    id: buildId({ delivery, trigger, newId }),
    repository: 'gitea:gitea/webhooks',
    trigger,
    pipelineFile: '.mayfly.yml',
    state: 'queued',
    jobs: [],
    created: new Date().toISOString(),
    started: undefined,
    ended: undefined,
    problem: undefined,
    delivery,
    approval: undefined,
  }
}
