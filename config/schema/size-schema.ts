import { z } from 'zod'
import { formatSize, parseSize } from '../size.ts'
import { parsedBy } from './parsed-by.ts'

type Bounds = { readonly min?: string; readonly max?: string; readonly wholeMiB?: boolean }

const mebibyte = 1024 ** 2
const expected = 'expected a size such as 512MiB, 2GiB or a number of bytes'

/** A size in a file, as bytes. Machines have memory and disks of whole mebibytes only. */
export const size = ({ min = '0', max = '1024TiB', wholeMiB = false }: Bounds = {}) =>
  z
    .union([z.string(), z.number()], { error: expected })
    .transform(parsedBy((value) => checked(parseSize(String(value)), { min, max, wholeMiB })))
    .meta({ title: 'size', examples: ['512MiB', '2GiB'] })

const checked = (bytes: number, { min, max, wholeMiB }: Required<Bounds>): number => {
  if (bytes < parseSize(min)) throw new RangeError(`expected at least ${min}, found ${formatSize(bytes)}`)
  if (bytes > parseSize(max)) throw new RangeError(`expected at most ${max}, found ${formatSize(bytes)}`)
  if (wholeMiB && bytes % mebibyte !== 0) {
    throw new RangeError(`expected a whole number of MiB, found ${bytes} bytes`)
  }
  return bytes
}
