import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { generatedFiles } from './generated-files.ts'

// Writes what is generated from the schemas and the commands; a test holds that the repository has exactly this.
const root = join(import.meta.dirname, '..')
for (const [path, content] of Object.entries(generatedFiles())) {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
  console.log(`wrote ${path}`)
}
