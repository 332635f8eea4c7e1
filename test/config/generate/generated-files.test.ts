import { describe, expect, it } from 'vitest'
import { generatedFiles } from '../../../config/generate/generated-files.ts'
import { hostJsonSchema, pipelineJsonSchema } from '../../../config/generate/json-schema.ts'

describe('generatedFiles', () => {
  it('tells the default and the meaning of every key of the host file', () => {
    const page = generatedFiles()['docs/host-file.md']
    expect(page).toContain('| `accel` | `auto`, `kvm` or `tcg` | `auto` | How machines are accelerated.')
    expect(page).toContain('| `log_bytes` | size | `256MiB` |')
  })

  it('leaves no key of either file without a description', () => {
    for (const schema of [pipelineJsonSchema(), hostJsonSchema()]) {
      const parts = [schema, ...(schema.anyOf ?? []), ...Object.values(schema.$defs ?? {})]
      const silent = parts
        .flatMap((part) => Object.entries(part.properties ?? {}))
        .filter(([, { description = '' }]) => description === '')
        .map(([key]) => key)
      expect(silent).toEqual([])
    }
  })

  it('names every key that a pipeline file may have', () => {
    const page = generatedFiles()['docs/pipeline-file.md'] ?? ''
    const job = pipelineJsonSchema().$defs?.job?.properties ?? {}
    for (const key of Object.keys(job)) expect(page).toContain(`| \`${key}\` |`)
    expect(page).toContain('| `timeout` | duration | `30m` |')
  })
})
