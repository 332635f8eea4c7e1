import { dirname, resolve } from 'node:path'
import { presentSizes } from '../schema/present-sizes.ts'
import { readBucket } from './bucket-schema.ts'
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
  const bucket = raw.archive === undefined ? undefined : readBucket(raw.archive)
  return {
    file,
    data: absolute(raw.data),
    runDir: absolute(raw.run_dir),
    name: raw.name,
    labels: [...new Set(raw.labels)].sort(),
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
      repositoryBytes: limits.repository_bytes,
      buildAge: limits.build_age,
      connections: limits.connections,
      followers: limits.followers,
      requests: limits.requests,
      archiveBytes: limits.archive_bytes,
      shelfBytes: limits.shelf_bytes,
      mirrorsBytes: limits.mirrors_bytes,
    },
    pressure: {
      diskFree: raw.pressure.disk_free,
      memoryFree: raw.pressure.memory_free,
      memoryStall: raw.pressure.memory_stall,
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
    archive: bucket === undefined ? absolute(raw.archive) : undefined,
    bucket: bucket && resolveBucket(bucket, raw.s3, absolute),
    retention: raw.retention,
    traces: raw.traces,
    redis: raw.redis,
    redisPasswordFile: absolute(raw.redis_password_file),
    listen: resolveListen(raw.listen),
    metricsListen: raw.metrics_listen === undefined ? undefined : resolveListen(raw.metrics_listen),
    publicUrl: raw.public_url?.replace(/\/+$/, ''),
    trustedProxies: raw.trusted_proxies,
    secretsKey: absolute(raw.secrets_key),
    adminTokenFile: absolute(raw.admin_token_file),
    repositories: raw.repositories.map((entry) => resolveRepository(entry, absolute)),
  }
}

const resolveBucket = (
  { name, prefix }: { name: string; prefix: string },
  s3: RawHost['s3'],
  absolute: (path: string | undefined) => string | undefined,
): HostConfig['bucket'] => ({
  ...{ name, prefix, endpoint: s3.endpoint, region: s3.region },
  pathStyle: s3.path_style ?? s3.endpoint !== undefined,
  ...{ encryption: s3.encryption, kmsKey: s3.kms_key, credentials: absolute(s3.credentials) },
})

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

function limitsOf({ limits }: RawRepositoryEntry): RepositoryEntry['limits'] {
  const { running, weight, queued, matrix } = limits
  return { running, queued, matrix, ...(weight === undefined ? {} : { weight }) }
}

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
  network: entry.network,
  limits: limitsOf(entry),
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
