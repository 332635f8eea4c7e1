import { stat } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { hashFile } from '../../../images/hash-file.ts'
import { createBench, expectNothingLeft } from '../mayfly.ts'
import { watchRun } from '../watched-run.ts'
import { localImage } from './boot.ts'

const head = 'resources: { cpus: 2, memory: 512MiB }\nnetwork: none\n'
const fill = 'dd if=/dev/urandom of=block bs=1M count=8 2>/dev/null; for i in $(seq 20); do cat block; done'

const writesALot = `${head}
steps:
  - run: |
      sudo touch /marker && sudo rm -rf /usr/share/zoneinfo
      { ${fill}; } >filled
      sync
      echo "$(stat -c %s filled) bytes"
`

const writesForEver = `${head}
steps:
  - run: |
      sudo touch /marker && sudo rm -rf /usr/share/zoneinfo
      echo writing
      while true; do { ${fill}; } >filled; done
`

const looksAround = `${head}
steps:
  - run: test ! -e /marker && test -d /usr/share/zoneinfo && test ! -e filled
`

describe('jobs one after the other on one image', () => {
  it('AC14: leave the digest of their image as it was, and each starts from a clean disk', async () => {
    const bench = await createBench()
    const { disk, digest } = await localImage()
    const before = await stat(disk)

    const first = await bench.run(writesALot)
    expect(first.log).toContain(`${20 * 8 * 2 ** 20} bytes`)
    expect(first.record?.verdict).toBe('passed')
    await expectNothingLeft(bench)

    const second = await watchRun(bench, { pipeline: writesForEver })
    await second.untilPrinted('writing')
    second.mayfly.kill('SIGKILL')
    await second.mayfly

    const third = await bench.run(looksAround)
    expect(third.record?.verdict).toBe('passed')
    await expectNothingLeft(bench)

    expect(await hashFile(disk)).toBe(digest)
    const { mtimeMs, size, ino } = await stat(disk)
    expect({ mtimeMs, size, ino }).toEqual({ mtimeMs: before.mtimeMs, size: before.size, ino: before.ino })
  })
})
