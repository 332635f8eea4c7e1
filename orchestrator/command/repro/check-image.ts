import { ConfigError } from '../../../config/errors.ts'
import type { PastJob } from './past-job.ts'

/** Throws ConfigError where the image here is not the one that a past job had, both told by their digests. */
export function checkImage(image: PastJob['image'], digest: string): void {
  if (image === undefined || image.digest === digest) return
  const [had, here] = [image.digest, digest].map((full) => full.slice(0, 19))
  throw new ConfigError(`expected image ${image.name} as the job had it, ${had}, found ${here} here`, {
    hint: '--any-image goes on with the one that is here',
  })
}
