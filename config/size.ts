import { ConfigError } from './errors.ts'

const units = ['', 'K', 'M', 'G', 'T'] as const

/**
 * Bytes of a size as people write it: `2GiB`, `512M`, `1.5 GiB`, `1024`.
 *
 * Units are binary, with or without the `i`: `1M`, `1MB` and `1MiB` are all 1,048,576 bytes, as memory and disks of
 * machines come in no other sizes. Without a unit it is bytes. Upper and lower case are the same.
 * @throws ConfigError for anything else, and for more bytes than a number holds exactly.
 */
export const parseSize = (text: string): number => {
  const match = /^(\d{1,16}(?:\.\d{1,9})?)\s*(?:([kmgt])(?:i?b?)|b)?$/i.exec(text.trim())
  if (match === null) throw wrongSize(text)
  const power = units.indexOf((match[2] ?? '').toUpperCase() as (typeof units)[number])
  const bytes = Math.round(Number(match[1]) * 1024 ** power)
  if (!Number.isSafeInteger(bytes)) throw wrongSize(text)
  return bytes
}

const wrongSize = (text: string): ConfigError =>
  new ConfigError(`expected a size such as 512MiB, 2GiB or a number of bytes, found ${JSON.stringify(text)}`)

/** A size for people, to one decimal: `2 GiB`, `1.5 GiB`, `512 B`. `parseSize` reads it back. */
export const formatSize = (bytes: number): string => {
  let value = bytes
  let power = 0
  // 1023.95 and more would be shown as 1024.0 of the smaller unit.
  while (value >= 1023.95 && power < units.length - 1) {
    value /= 1024
    power += 1
  }
  const digits = power === 0 ? String(value) : value.toFixed(1).replace(/\.0$/, '')
  return `${digits} ${units[power]}${power === 0 ? 'B' : 'iB'}`
}
