import { ConfigError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import { type Catalogue, findEntry } from '../../images/catalogue.ts'
import type { Resources } from '../../images/image.ts'
import { hasLabels } from '../model/has-labels.ts'
import { couldTake, type HostCapacity } from './host-capacity.ts'
import { refuseLabels } from './refuse-labels.ts'

type CheckJob = {
  image: string
  resources: Pick<Resources, 'cpus' | 'memory'>
  /** Images that the repository may use; undefined for all. */
  allowed: readonly string[] | undefined
  runsOn: readonly string[]
  capacities: readonly HostCapacity[]
  knownLabels: readonly (readonly string[])[]
  catalogue: Catalogue
}

/** Why a job can never run here, with the way out; undefined where it can. */
export function refuseJob(check: CheckJob): { reason: string; hint: string | undefined } | undefined {
  const { runsOn, knownLabels } = check
  return refuseImage(check) ?? refuseLabels({ runsOn, known: knownLabels }) ?? refuseSize(check)
}

function refuseImage({ image, allowed, catalogue }: CheckJob): ReturnType<typeof refuseJob> {
  if (allowed !== undefined && !allowed.includes(image)) {
    return {
      reason: `expected one of the images that this repository may use (${allowed.join(', ')}), got ${image}`,
      hint: 'name one of them, or have the image added to the repository',
    }
  }
  try {
    findEntry(image, catalogue)
    return undefined
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { reason: error.message, hint: error.hint }
  }
}

// While nobody is there, as when all begin anew, those that come may have grown.
function refuseSize({ resources, runsOn, capacities }: CheckJob): ReturnType<typeof refuseJob> {
  if (capacities.every(({ away }) => away)) return undefined
  const able = capacities.filter(({ labels }) => hasLabels(labels, runsOn))
  if (able.length === 0 || able.some((host) => couldTake(host, { resources, runsOn }))) return undefined
  const sizes = able.map((host) => `${host.id}${host.away ? ', which is away,' : ''} has ${inWords(host)}`)
  return {
    reason: `expected a job that a host can take (${sizes.slice(0, 5).join('; ')}), got one that asks for ${inWords(resources)}`,
    hint: 'ask for less under `resources`, or add a larger host',
  }
}

/** `2 cpus and 4 GiB` */
export function inWords({ cpus, memory }: Pick<Resources, 'cpus' | 'memory'>): string {
  return `${cpus} ${cpus === 1 ? 'cpu' : 'cpus'} and ${formatSize(memory)}`
}
