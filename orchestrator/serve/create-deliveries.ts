import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Scope } from '../../runner/scope.ts'
import type { BuildService } from '../builds/build-service.ts'
import { createDeliveryQueue } from '../deliveries/delivery-queue.ts'
import { startDeliveryWorker } from '../deliveries/delivery-worker.ts'
import { explainDelivery } from '../deliveries/explain-delivery.ts'
import { createGiveWay } from '../deliveries/give-way.ts'
import { createNonceLedger } from '../deliveries/nonce-ledger.ts'
import { processDelivery } from '../deliveries/process-delivery.ts'
import { receiveDelivery } from '../deliveries/receive-delivery.ts'
import { replayDelivery } from '../deliveries/replay-delivery.ts'
import { createWholeSha } from '../deliveries/whole-sha.ts'
import type { Forges } from '../forges/forges.ts'
import type { DeliveryParts } from '../http/http-parts.ts'
import type { Store } from '../model/store.ts'
import type { Vault } from '../secrets/vault.ts'

type Parts = {
  redis: Redis
  patient: Redis
  prefix: string
  store: Store
  vault: Vault
  forges: Forges
  builds: BuildService
  now: () => Date
  newId: () => string
  log: Logger
  scope: Scope
}

/** Webhook calls from their arrival to their builds. */
export async function createDeliveries(parts: Parts): Promise<DeliveryParts> {
  const { redis, patient, prefix, store, vault, forges, builds, now, newId, log, scope } = parts
  const queue = createDeliveryQueue({ connection: patient, prefix })
  await scope.defer('delivery queue', () => queue.close())
  const wholeSha = createWholeSha({ forges, vault, now })
  const giveWay = createGiveWay()
  const process = async (id: string) => {
    await giveWay.turn()
    await processDelivery({ id, store, builds, forges, wholeSha, now, log })
  }
  const worker = startDeliveryWorker({ connection: patient, prefix, store, queue, process, log })
  await scope.defer('delivery worker', () => worker.close())
  const nonces = createNonceLedger({ redis, prefix })
  const enqueue = (id: string) => queue.add(id)
  return {
    receive: (call) =>
      giveWay.first(() =>
        receiveDelivery({ ...call, forge: forges[call.forge], store, vault, nonces, enqueue, now, newId }),
      ),
    replay: (id, by) => replayDelivery({ id, by, store, enqueue, now, newId }),
    explain: (id) => explainDelivery({ id, store, builds, forges, wholeSha }),
  }
}
