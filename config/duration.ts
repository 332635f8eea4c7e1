import { ConfigError } from './errors.ts'

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const

const part = (unit: string): string => `(?:(\\d{1,12}(?:\\.\\d{1,6})?)\\s*${unit})?\\s*`
const pattern = new RegExp(`^${part('d')}${part('h')}${part('m(?!s)')}${part('s')}${part('ms')}$`)

/**
 * Milliseconds of a duration as people write it: `10m`, `90s`, `1h30m`, `500ms`, `1.5h`, `2d`.
 * Units go from large to small, each at most once. A number without a unit is refused: nobody can know what it means.
 * @throws ConfigError for anything else.
 */
export const parseDuration = (text: string): number => {
  const match = pattern.exec(text.trim())
  const amounts = match?.slice(1) ?? []
  if (amounts.every((amount) => amount === undefined)) throw wrongDuration(text)
  const factors = Object.values(unitMs)
  return Math.round(
    amounts.reduce((sum, amount, index) => sum + Number(amount ?? 0) * (factors[index] ?? 0), 0),
  )
}

const wrongDuration = (text: string): ConfigError =>
  new ConfigError(`expected a duration such as 90s, 10m or 1h30m, found ${JSON.stringify(text)}`)

/**
 * Milliseconds for people: `0.42 s`, `12.3 s`, `3 m 05 s`, `1 h 02 m`. `parseDuration` reads it back, to the precision
 * shown.
 */
export const formatDuration = (ms: number): string => {
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${twoDigits(seconds % 60)} s`
  const minutes = Math.round(ms / 60_000)
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} m`
}

const twoDigits = (value: number): string => String(value).padStart(2, '0')
