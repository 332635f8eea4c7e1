import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it, onTestFinished } from 'vitest'
import { hereScript } from '../../../runner/guest/here-script.ts'

it("gives a shell a step's folder and environment: the job's, what steps before left, then its own", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-here-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const work = join(folder, "it's work")
  await mkdir(work)
  await mkdir(join(folder, '3'))
  await writeFile(join(folder, 'env'), "export A='job' B='job' C='job'\n")
  await writeFile(join(folder, 'mayfly-env'), 'B=before\nC=before\nnot a variable\n1X=2\nD=a b=c')
  await writeFile(join(folder, '3', 'env'), "export C='own'\n")
  const script = hereScript({ index: 3, workdir: work }).replaceAll('/run/mayfly/job', folder)
  await writeFile(join(folder, 'here'), script)
  const shown = 'sh -c \'echo "$A $B $C $D"\'; pwd'
  const { stdout } = await execa('sh', ['-c', `. ${join(folder, 'here')}; ${shown}`])
  expect(stdout.split('\n')).toEqual(['job before own a b=c', work])
})
