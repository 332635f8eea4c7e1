import { join } from 'node:path'
import { execa } from 'execa'
import { packageRoot } from '../../images/package-root.ts'
import { processMemory } from '../serve-process.ts'
import type { BenchPlace } from './bench-place.ts'
import { type Figure, figure } from './figure.ts'

const pollMs = 50

/** `mayfly run hello.yml` as a user types it: the whole process's time, and the most memory it had on the way. */
export async function helloJob(place: BenchPlace, runs: number): Promise<Figure[]> {
  const root = packageRoot()
  const main = await place.command()
  const { dataFolder } = await place.host()
  const seconds: number[] = []
  // The first one may have to make the template that the others start from.
  await execa(process.execPath, [main, 'run', join(root, 'config', 'examples', 'hello.yml')], {
    env: { MAYFLY_DATA: dataFolder },
  })
  const mebibytes: number[] = []
  for (let run = 0; run < runs; run++) {
    const started = performance.now()
    const child = execa(process.execPath, [main, 'run', join(root, 'config', 'examples', 'hello.yml')], {
      env: { MAYFLY_DATA: dataFolder },
    })
    let peak = 0
    // QEMU is a process of its own and not in it.
    const timer = setInterval(() => {
      peak = Math.max(peak, processMemory(child.pid ?? 0, 'VmHWM'))
    }, pollMs)
    await child.finally(() => clearInterval(timer))
    seconds.push((performance.now() - started) / 1000)
    mebibytes.push(peak)
  }
  return [
    figure({
      what: 'mayfly run hello.yml, from its template, whole process',
      unit: 's',
      target: { atMost: 4 },
      samples: seconds,
    }),
    figure({
      what: "runner's own peak memory in that job",
      unit: 'MiB',
      target: { atMost: 120 },
      samples: mebibytes,
    }),
  ]
}
