import { type DownloadOptions, download } from './download.ts'
import { removePart } from './part-state.ts'
import { checksumError } from './pull-error.ts'

/**
 * Downloads the published file and holds it against its checksum; returns its path. A file that does not fit is
 * removed.
 *
 * @throws InfraError `image` or `host-disk-full`, or the signal's reason
 */
export async function fetchSource(options: DownloadOptions): Promise<string> {
  const { name, url, checksum, downloads } = options
  let result = await download(options)
  if (result.checksum !== checksum && result.resumed) {
    // The bytes of an earlier pull may have been lost in a power cut: one honest try from the start.
    await removePart(downloads)
    result = await download(options)
  }
  if (result.checksum !== checksum) {
    await removePart(downloads)
    throw checksumError(name, url, checksum, result.checksum)
  }
  return result.file
}
