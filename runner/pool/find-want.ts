import type { MachineOrder } from '../job/job-order.ts'
import type { PoolWant } from './pool-want.ts'

type Found =
  | { readonly kind: 'want'; readonly want: number }
  /** There is a pool of the image, but not for this job. */
  | { readonly kind: 'other'; readonly reason: string }
  | { readonly kind: 'none' }

/** Which of the wants has machines as a job wants them. */
export function findWant(
  wants: readonly PoolWant[],
  { image, resources, network, userData, setup }: MachineOrder,
): Found {
  const ofImage = wants.filter((want) => want.image === image.name)
  // A checkpoint is further than a machine that waits, and only a machine made for that becomes one.
  if (ofImage.length === 0 || setup !== undefined) return { kind: 'none' }
  if (userData !== undefined)
    return { kind: 'other', reason: 'its custom user-data is for a machine that nobody has started' }
  const { cpus, memory, disk } = resources
  const ofSize = ofImage.filter(
    (want) =>
      want.resources.cpus === cpus && want.resources.memory === memory && want.resources.disk === disk,
  )
  if (ofSize.length === 0) return { kind: 'other', reason: 'the pool has machines of another size' }
  const fitting = ofSize.find((want) => want.network === network)
  if (fitting === undefined)
    return { kind: 'other', reason: `the pool has no machines with network ${network}` }
  return { kind: 'want', want: wants.indexOf(fitting) }
}
