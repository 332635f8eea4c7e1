import type { Resources } from '../../images/image.ts'

type Layers = {
  /** What the job asks for. */
  readonly job: Partial<Resources>
  /** What its image needs. */
  readonly image: Partial<Resources>
  /** What this host gives where neither says. */
  readonly host: Resources
}

/** The size of a job's machine: the job's word, else the image's, else the host's. */
export function resolveResources({ job, image, host }: Layers): Resources {
  return {
    cpus: job.cpus ?? image.cpus ?? host.cpus,
    memory: job.memory ?? image.memory ?? host.memory,
    disk: job.disk ?? image.disk ?? host.disk,
  }
}
