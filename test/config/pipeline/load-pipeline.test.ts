import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadPipeline } from '../../../config/pipeline/load-pipeline.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-config-'))
})

afterEach(() => rm(folder, { recursive: true }))

describe('loadPipeline', () => {
  it('reads the file from disk', async () => {
    const file = join(folder, '.mayfly.yml')
    await writeFile(file, 'steps: [make]\n')
    expect(await loadPipeline({ file })).toMatchObject({ file, jobs: [{ name: 'main' }] })
  })

  it('takes a text instead, and the file only as its name', async () => {
    await expect(loadPipeline({ file: 'of-commit-abc.yml', text: 'steps: 1' })).rejects.toThrow(
      'of-commit-abc.yml:1:8:',
    )
  })

  it('says that the file is absent', async () => {
    await expect(loadPipeline({ file: join(folder, 'no.yml') })).rejects.toThrow(
      'expected the pipeline file at',
    )
  })
})
