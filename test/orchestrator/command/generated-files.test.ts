import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../../images/package-root.ts'
import { generatedFiles } from '../../../scripts/generated-files.ts'

describe('generated files', () => {
  it.each(Object.entries(generatedFiles()))('are what the repository has: %s', async (path, content) => {
    const committed = await readFile(join(packageRoot(), path), 'utf8')
    expect(committed, 'run `npm run generate`').toBe(content)
  })
})
