import { ConfigError } from '../../config/errors.ts'

/** A value inside one of QEMU's option lists, where a comma would start the next option. */
export function optionValue(value: string): string {
  return value.replaceAll(',', ',,')
}

/**
 * An absolute path inside an option list; a relative one could be read as a protocol, such as `nbd:`.
 *
 * @throws {ConfigError} when it is relative or holds a NUL or a line break
 */
export function optionPath(path: string): string {
  if (/^\/[^\0\n]*$/.test(path)) return optionValue(path)
  throw new ConfigError(`Expected an absolute path for QEMU, got ${JSON.stringify(path)}`, {
    hint: 'Give --data as an absolute path.',
  })
}
