import { formatDuration } from '../../../config/duration.ts'
import type { ListedImage } from '../../../images/shelf/list-images.ts'
import { computerOf } from '../../hosts/computer-of.ts'
import { cordonInWords } from '../../hosts/cordon-in-words.ts'
import { protocol } from '../../hosts/protocol.ts'
import { hasLabels } from '../../model/has-labels.ts'
import type { HostStatus, WaitingJob } from '../../model/queue-view.ts'
import type { Finding } from './finding.ts'

export type FleetView = {
  readonly hosts: readonly HostStatus[]
  readonly waiting: readonly Pick<WaitingJob, 'job' | 'runsOn'>[]
  /** Images that the server knows, for whether one is built or pulled. */
  readonly images: readonly Pick<ListedImage, 'name' | 'source'>[]
}

type Look = { readonly host: HostStatus; readonly others: readonly HostStatus[]; readonly view: FleetView }

/** A clock that differs by more has logs out of order and makes checkpoints and leases look older than they are. ms */
const mostSkew = 5_000
/** A cordon that is older was most likely forgotten. ms */
const longCordon = 24 * 60 * 60_000
const mostImages = 5

/**
 * What is wrong with the hosts of an installation, by what they said of themselves. `missing` is what keeps jobs from
 * running or will; `weak` what may be meant so, such as a host without KVM or one that is being upgraded.
 */
export function checkFleet(view: FleetView): Finding[] {
  if (view.hosts.length === 0) {
    const found = 'no host has been heard of: nothing runs jobs'
    return [{ name: 'hosts', state: 'missing', found, mend: 'mayfly serve --role worker, on a host' }]
  }
  const alive = view.hosts.filter(({ stale }) => !stale)
  const ofHosts = view.hosts.flatMap((host) => {
    const others = alive.filter((other) => other !== host)
    const findings = checkHost({ host, others, view })
    return findings.length === 0 ? [fine(host)] : findings
  })
  return [...ofHosts, ...checkLabels(view.waiting, alive)]
}

function checkHost(look: Look): Finding[] {
  const { host } = look
  if (host.stale) return [silent(host)]
  const checks = [checkPressure, checkCordon, checkClock, checkVersion, checkKvm, checkImages]
  return checks.flatMap((check) => check(look) ?? [])
}

function fine({ name, labels = [], version = 'of an early version', running }: HostStatus): Finding {
  const found = `up, Mayfly ${version}, ${running.length} running${labels.length > 0 ? `, ${labels.join(', ')}` : ''}`
  return { name, state: 'good', found, mend: undefined }
}

function silent(host: HostStatus): Finding {
  const jobs = host.running.length === 0 ? '' : `, its jobs are lost: ${host.running.join(', ')}`
  return {
    ...{ name: host.name, state: 'missing', found: `silent since ${host.heard}${jobs}` },
    mend: `start its server again; where it will not come back: mayfly hosts remove ${host.name}`,
  }
}

function checkPressure({ host: { name, pressure } }: Look): Finding | undefined {
  if (pressure === undefined) return undefined
  const mend = `on it: mayfly images gc, mayfly templates rm all, or more room`
  return { name, state: 'missing', found: `takes no jobs: ${pressure}`, mend }
}

function checkCordon({ host }: Look): Finding | undefined {
  const { name, cordon, heard } = host
  if (cordon === undefined) return undefined
  const age = Date.parse(heard) - Date.parse(cordon.at)
  const found = `takes no jobs: ${cordonInWords(cordon)}, ${formatDuration(Math.max(0, age))} ago`
  const mend = `mayfly hosts uncordon ${computerOf(host)}`
  return { name, state: age > longCordon ? 'missing' : 'weak', found, mend }
}

function checkClock({ host: { name, clock, heard } }: Look): Finding | undefined {
  const skew = clock === undefined ? 0 : Date.parse(clock) - Date.parse(heard)
  if (Math.abs(skew) <= mostSkew) return undefined
  const found = `its clock is ${formatDuration(Math.abs(skew))} ${skew > 0 ? 'ahead of' : 'behind'} that of Redis`
  return { name, state: 'missing', found, mend: 'on it: timedatectl set-ntp true' }
}

function checkVersion({ host, others }: Look): Finding | undefined {
  const { name, version, protocol: own = 0 } = host
  const far = others.find((other) => Math.abs((other.protocol ?? 0) - own) > 1)
  if (far !== undefined) {
    const found = `its protocol is ${own}, that of ${far.name} ${far.protocol ?? 0}: they misunderstand each other`
    return { name, state: 'missing', found, mend: upgrade }
  }
  const newer = others.find((other) => isNewer(other, host))
  if (newer === undefined) return undefined
  const found = `Mayfly ${version ?? 'of an early version'}, ${newer.name} has ${newer.version}`
  return { name, state: 'weak', found, mend: upgrade }
}

const upgrade = `upgrade it, as docs/fleet.md says (this command is of protocol ${protocol})`

function isNewer({ version: other }: HostStatus, { version: own }: HostStatus): boolean {
  if (other === undefined || own === other) return false
  return own === undefined || own.localeCompare(other, 'en', { numeric: true }) < 0
}

function checkKvm({ host: { name, accel, labels }, others }: Look): Finding | undefined {
  if (labels === undefined || labels.includes('kvm')) return undefined
  const having = others.filter((other) => other.labels?.includes('kvm'))
  if (having.length === 0) return undefined
  const why = accel === undefined ? '' : `: ${accel.reason}`
  const found = `no KVM, which ${having[0]?.name} has${why}`
  return { name, state: 'weak', found, mend: 'on it: mayfly doctor' }
}

function checkImages({ host: { name, holds }, others, view }: Look): Finding | undefined {
  if (holds === undefined || holds.images.more > 0) return undefined
  const own = new Set(holds.images.items.map((image) => image.name))
  const theirs = others.flatMap((other) => other.holds?.images.items ?? [])
  const absent = [...new Set(theirs.map((image) => image.name))].filter((image) => !own.has(image)).sort()
  if (absent.length === 0) return undefined
  const more = absent.length > mostImages ? ` and ${absent.length - mostImages} more` : ''
  const shown = absent.slice(0, mostImages)
  const verbOf = (image: string) =>
    view.images.find((one) => one.name === image)?.source === 'build' ? 'build' : 'pull'
  const mend = `on it: ${shown.map((image) => `mayfly images ${verbOf(image)} ${image}`).join('; ')}`
  const found = `has not ${shown.join(', ')}${more}, which others have; its first job brings it`
  return { name, state: 'weak', found, mend }
}

function checkLabels(waiting: FleetView['waiting'], alive: readonly HostStatus[]): Finding[] {
  const unmet = new Map<string, number>()
  for (const { runsOn = [] } of waiting) {
    if (alive.some(({ labels }) => hasLabels(labels, runsOn))) continue
    const wanted = runsOn.join(', ')
    unmet.set(wanted, (unmet.get(wanted) ?? 0) + 1)
  }
  return [...unmet].map(([wanted, count]) => ({
    ...{ name: 'labels', state: 'missing' as const },
    found: `${count === 1 ? '1 job waits' : `${count} jobs wait`} for a host with ${wanted}, and none is there`,
    mend: `start a host with \`labels: [${wanted}]\` in its host file, or cancel what waits`,
  }))
}
