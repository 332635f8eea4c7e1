import { dirname, resolve } from 'node:path'
import { presentSizes } from '../schema/present-sizes.ts'
import type { HostConfig, ImageEntry } from './host-config.ts'
import type { RawImageEntry } from './image-entry-schema.ts'
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
  }
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
