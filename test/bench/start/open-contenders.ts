import { type Absent, type Contender, type StartPlace, type What, whats } from './contender.ts'
import { openCheckpointStart } from './ours/open-checkpoint-start.ts'
import { openHostStart } from './ours/open-host-start.ts'
import { openPoolStart } from './ours/open-pool-start.ts'
import { openAutopkgtest } from './peers/open-autopkgtest.ts'
import { openPacker } from './peers/open-packer.ts'

type Open = (place: StartPlace) => Contender | Promise<Contender | Absent>

const openers: Readonly<Record<What, Open>> = {
  cold: (place) => openHostStart(place, 'cold'),
  template: (place) => openHostStart(place, 'template'),
  pool: openPoolStart,
  checkpoint: openCheckpointStart,
  packer: openPacker,
  autopkgtest: openAutopkgtest,
}

/** Makes whatever the wanted contenders need before anything is timed; says which this host cannot show, and why. */
export async function openContenders(
  place: StartPlace,
  only: readonly What[],
  tell: (line: string) => void,
): Promise<Contender[]> {
  const contenders: Contender[] = []
  for (const what of whats.filter((one) => only.includes(one))) {
    tell(`preparing ${what} ...`)
    const opened = await openers[what](place)
    if ('absent' in opened) tell(`${what} is left out, for it is not on this host: ${opened.absent}`)
    else contenders.push(opened)
  }
  return contenders
}
