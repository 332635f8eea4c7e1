import { dirname, resolve } from 'node:path'
import { presentSizes } from '../schema/present-sizes.ts'
import type { HostConfig, ImageEntry, PoolEntry, RepositoryEntry } from './host-config.ts'
import type { RawImageEntry } from './image-entry-schema.ts'
import type { RawPoolEntry } from './pool-schema.ts'
import type { RawRepositoryEntry } from './repository-entry-schema.ts'
import type { RawHost } from './schema.ts'

/** The host file's data in the words of the code. Paths become absolute, counted from the file's folder. */
export const resolveHost = (raw: RawHost, file: string | undefined): HostConfig => {
  const folder = file === undefined ? '/' : dirname(resolve(file))
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(folder, path))
  const { limits } = raw
  return {
    file,
    data: absolute(raw.data),
    runDir: absolute(raw.run_dir),
    accel: raw.accel,
    defaultImage: raw.default_image,
    pipelineFile: raw.pipeline_file,
    resources: raw.resources,
    images: Object.fromEntries(
      Object.entries(raw.images).map(([name, entry]) => [name, resolveImage(entry, absolute)]),
    ),
    network: { ...raw.network, allow: raw.network.allow },
    limits: {
      logBytes: limits.log_bytes,
      consoleBytes: limits.console_bytes,
      artifactBytes: limits.artifact_bytes,
      artifactCount: limits.artifact_count,
      uploadBytes: limits.upload_bytes,
      steps: limits.steps,
      imageBytes: limits.image_bytes,
    },
    stop: raw.stop,
    boot: { cpuTime: raw.boot.cpu_time, quiet: raw.boot.quiet },
    templates: { use: raw.templates.use, quota: raw.templates.quota, maxAge: raw.templates.max_age },
    checkpoints: {
      use: raw.checkpoints.use,
      quota: raw.checkpoints.quota,
      maxAge: raw.checkpoints.max_age,
    },
    debug: raw.debug && {
      listen: resolveListen(raw.debug.listen),
      address: raw.debug.address,
      slots: raw.debug.slots,
      perRepository: raw.debug.per_repository,
      longest: raw.debug.longest,
      parked: { quota: raw.debug.parked.quota, maxAge: raw.debug.parked.max_age },
    },
    pool: raw.pool.map(resolvePool),
    archive: absolute(raw.archive),
    retention: raw.retention,
    redis: raw.redis,
    listen: resolveListen(raw.listen),
    publicUrl: raw.public_url?.replace(/\/+$/, ''),
    trustedProxies: raw.trusted_proxies,
    secretsKey: absolute(raw.secrets_key),
    repositories: raw.repositories.map((entry) => resolveRepository(entry, absolute)),
  }
}

const resolveListen = (written: string): HostConfig['listen'] => {
  const colon = written.lastIndexOf(':')
  return { host: written.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(written.slice(colon + 1)) }
}

const resolveImage = (
  entry: RawImageEntry,
  absolute: (path: string | undefined) => string | undefined,
): ImageEntry => ({
  url: entry.url,
  path: absolute(entry.path),
  checksum: entry.checksum,
  digest: entry.digest,
  format: entry.format,
  compression: entry.compression,
  user: entry.user,
  firmware: entry.firmware,
  diskBus: entry.disk_bus,
  nic: entry.nic,
  resources: presentSizes(entry.resources),
  readyPattern: entry.ready_pattern,
  seed: entry.seed,
  userData: entry.user_data,
  kernel: absolute(entry.kernel),
  initrd: absolute(entry.initrd),
  append: entry.append,
})

const resolvePool = ({ image, cpus, memory, disk, network, min, max = min }: RawPoolEntry): PoolEntry => ({
  ...{ image, network, min, max },
  resources: presentSizes({ cpus, memory, disk }),
})

const resolveRepository = (
  entry: RawRepositoryEntry,
  absolute: (path: string | undefined) => string | undefined,
): RepositoryEntry => ({
  forge: entry.forge,
  name: entry.name,
  cloneUrl: entry.clone_url,
  apiUrl: entry.api_url,
  pipelineFile: entry.pipeline_file,
  images: entry.images,
  limits: { running: entry.limits.running, queued: entry.limits.queued, matrix: entry.limits.matrix },
  defaultBranch: entry.default_branch,
  submodules: entry.submodules,
  lfs: entry.lfs,
  schedules: entry.schedules.map(({ cron, branch }) => ({ cron, branch: branch ?? entry.default_branch })),
  notify: entry.notify,
  secretFiles: {
    webhook: absolute(entry.secret_files.webhook),
    token: absolute(entry.secret_files.token),
    clone: absolute(entry.secret_files.clone),
    notification: absolute(entry.secret_files.notification),
  },
})
