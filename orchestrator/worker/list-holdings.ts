import type { Shelf } from '../../images/shelf.ts'
import { checkpointsFolder, templatesFolder } from '../../runner/template/filenames.ts'
import { listFrozen } from '../../runner/template/list-frozen.ts'
import type { Held, HostHoldings } from '../model/queue-view.ts'

/** Of each kind; a heartbeat carries them all. */
const mostItems = 50

type Place = { readonly dataFolder: string; readonly shelf: Pick<Shelf, 'list'> }

/** What jobs find on this host: the images that came last, and the frozen machines that were used last. */
export async function listHoldings({ dataFolder, shelf }: Place): Promise<HostHoldings> {
  const [images, templates, checkpoints] = await Promise.all([
    shelf.list(),
    listFrozen(templatesFolder(dataFolder)),
    listFrozen(checkpointsFolder(dataFolder)),
  ])
  const present = images
    .filter((image) => image.present)
    .sort((a, b) => (a.age ?? 0) - (b.age ?? 0))
    .map(({ name, digest = '' }) => ({ name, digest }))
  return { images: newest(present), templates: newest(templates), checkpoints: newest(checkpoints) }
}

function newest<T>(all: readonly T[]): Held<T> {
  return { items: all.slice(0, mostItems), more: Math.max(0, all.length - mostItems) }
}
