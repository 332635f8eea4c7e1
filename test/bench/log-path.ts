import { LogFile } from '../../runner/logs/log-file.ts'
import { createMasker } from '../../runner/logs/mask.ts'
import type { BenchPlace } from './bench-place.ts'
import { type Figure, figure } from './figure.ts'

const total = 256 * 2 ** 20
const chunkBytes = 32 * 1024

/** Bytes of a step's output through masking into the log file and its indexes; the guest is left out. */
export async function logPath({ folder }: BenchPlace, runs: number): Promise<Figure[]> {
  const line = Buffer.from(
    `${'a line of a build, eighty bytes long, as a compiler prints them by thousands'.padEnd(79)}\n`,
  )
  const chunk = Buffer.concat(Array.from({ length: Math.ceil(chunkBytes / line.length) }, () => line))
  const secrets = Array.from({ length: 20 }, (_, index) => `secret-value-number-${index}-${'x'.repeat(20)}`)
  const samples: number[] = []
  for (let run = 0; run < runs; run++) {
    const log = await LogFile.open({ folder, name: `log-${run}`, limit: 2 * total })
    const masker = createMasker(secrets)
    const started = performance.now()
    for (let sent = 0; sent < total; sent += chunk.length)
      await log.append(masker.push(chunk), performance.now() - started)
    await log.append(masker.end(), performance.now() - started)
    await log.close()
    samples.push(total / 1e6 / ((performance.now() - started) / 1000))
  }
  return [
    figure({
      what: 'log path: 20 secrets masked, indexed, written',
      unit: 'MB/s',
      target: { atLeast: 100 },
      samples,
    }),
  ]
}
