/**
 * Every limit that has a name: its key in the host file, and what comes of reaching it. Errors and metrics name limits by
 * these keys; defaults and meanings stand in the schema.
 */
export const namedLimits = {
  'limits.log_bytes': 'The rest of the log is dropped, and its last line says so; the job goes on.',
  'limits.console_bytes': 'The rest of the console is dropped, and its last line says so; the job goes on.',
  'limits.artifact_bytes': 'The job is `errored: collect`; what was fetched before stays.',
  'limits.artifact_count': 'The job is `errored: collect`; what was fetched before stays.',
  'limits.upload_bytes':
    'The job is `errored: config` before a machine starts; a submission is answered with 413.',
  'limits.steps': 'The job is `errored: config` before a machine starts.',
  'limits.image_bytes': 'The image is not taken, and its jobs are `errored: image`.',
  'limits.repository_bytes': 'The fetch is cut off and the build is `errored` with the reason.',
  'limits.build_age': 'The job is `errored: config` with the reason, and never runs.',
  'limits.connections': 'A further connection is closed at once.',
  'limits.followers': '429 with `Retry-After`; the log can still be read by range.',
  'limits.requests': '429 with `Retry-After`. Webhooks and callers on this computer do not count.',
  'limits.archive_bytes': 'This host takes no further job until the archive is smaller.',
  'limits.shelf_bytes': 'This host takes no further job until images were removed (`mayfly images gc`).',
  'limits.mirrors_bytes':
    'The mirrors that were not used for longest are removed; each comes back when it is needed. Where that does not help, because all are in use, this host takes no further job.',
  'repositories.limits.running': 'Its further jobs wait, and say why.',
  'repositories.limits.weight':
    'Nothing is refused: while jobs of others wait too, its own come to their turn as often as that says.',
  'repositories.limits.queued': 'The build is `errored` with the reason, which its delivery shows, too.',
  'repositories.limits.matrix': 'The build is `errored` with the reason, which its delivery shows, too.',
  'templates.quota': 'The templates that were not used for longest are removed.',
  'checkpoints.quota': 'The checkpoints that were not used for longest are removed.',
  'debug.slots': 'The machine of a failed job is not kept, and the job says why.',
  'debug.per_repository': 'The machine of a failed job is not kept, and the job says why.',
  'debug.parked.quota': 'The machines that were parked longest ago are removed.',
} as const

export type LimitName = keyof typeof namedLimits

const names = Object.keys(namedLimits) as LimitName[]

/** The limit that a message, or the hint that comes with it, names; undefined for none. */
export function limitNamed(...texts: readonly (string | undefined)[]): LimitName | undefined {
  const said = texts.filter((text) => text !== undefined).join('\n')
  // The longest first, for one may begin like another.
  return names.toSorted((a, b) => b.length - a.length).find((name) => said.includes(name))
}
