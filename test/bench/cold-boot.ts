import type { BenchPlace } from './bench-place.ts'
import { type Figure, figure } from './figure.ts'

/** From the order of a machine to a login that has read its nonce: overlay, seed, QEMU, boot, SSH. */
export async function coldBoot(place: BenchPlace, runs: number): Promise<Figure[]> {
  const host = await place.host()
  const samples: number[] = []
  for (let run = 0; run < runs; run++) {
    const started = performance.now()
    const machine = await host.start()
    samples.push((performance.now() - started) / 1000)
    await machine.destroy('now')
  }
  const what = 'cold boot of debian-12-local to authenticated SSH'
  return [figure({ what, unit: 's', target: { atMost: 40, text: 'under TCG' }, samples })]
}
