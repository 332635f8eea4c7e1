import { randomBytes } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../../images/package-root.ts'
import { createBench, expectNothingLeft } from '../mayfly.ts'

const example = (name: string) => join(packageRoot(), 'config', 'examples', name)

describe('the examples', () => {
  it('whole-machine.yml does in its machine what no container can', async () => {
    const bench = await createBench()
    const run = await bench.result(bench.mayfly(['run', example('whole-machine.yml'), '--dir', bench.work]))
    expect(run.output).toContain('passed')
    expect(run.code).toBe(0)
    expect(run.log).toMatch(/kernel \S+ has the module loop\n/)
    expect(run.log).toContain('kept on the disk\n')
    expect(run.log).toMatch(/started again [1-9]\d* time/)
    expect(run.record?.steps.map(({ status }) => status)).toEqual(Array(5).fill('passed'))
    await expectNothingLeft(bench)
  })

  it('build-from-source.yml brings back the program that it built and tested, and it works here', async () => {
    const bench = await createBench()
    const run = await bench.result(
      bench.mayfly(['run', example('build-from-source.yml'), '--dir', bench.work]),
    )
    expect(run.output).toContain('passed')
    expect(run.code).toBe(0)
    expect(run.record?.artifacts.map(({ path }) => path).sort()).toEqual(['out/bzip2', 'out/report.txt'])

    const program = join(run.folder, 'artifacts', 'out', 'bzip2')
    const elf = await readFile(program)
    // ELF, 64 bits, little-endian; machine 62 is x86-64 (elf(5)).
    expect(elf.subarray(0, 6)).toEqual(Buffer.from('\x7fELF\x02\x01', 'latin1'))
    expect(elf.readUInt16LE(18)).toBe(62)
    expect((await stat(program)).mode & 0o777).toBe(0o755)
    const report = await readFile(join(run.folder, 'artifacts', 'out', 'report.txt'), 'utf8')
    expect(report).toMatch(
      /^bzip2, built on Linux 6\.\S+\n(.*\n)+make test: passed\nnumbers: {5}588895 bytes\nnumbers\.bz2: \d+ bytes\n$/,
    )
    if (process.arch === 'x64' && process.platform === 'linux') await expectWorks(program, bench.work)

    expect(run.record?.egress.some(({ host }) => host.endsWith('debian.org'))).toBe(true)
    await expectNothingLeft(bench)
  })
})

async function expectWorks(bzip2: string, folder: string): Promise<void> {
  const original = Buffer.concat([randomBytes(10_000), Buffer.alloc(100_000, 'again and ')])
  const file = join(folder, 'data')
  await writeFile(file, original)
  await execa(bzip2, ['--keep', file])
  expect((await stat(`${file}.bz2`)).size).toBeLessThan(original.length / 2)
  await execa(bzip2, ['--decompress', '--force', `${file}.bz2`])
  expect((await readFile(file)).equals(original)).toBe(true)
}
