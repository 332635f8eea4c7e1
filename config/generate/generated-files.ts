import { hostIntroduction, pipelineIntroduction } from './introductions.ts'
import { hostJsonSchema, pipelineJsonSchema } from './json-schema.ts'
import { limitsReference } from './limits-reference.ts'
import { hostReference, pipelineReference } from './reference.ts'

/** Every file that is generated from the schemas, by its path in the repository; scripts/ knows the others. */
export const generatedFiles = (): Readonly<Record<string, string>> => ({
  'config/pipeline.schema.json': asJson(pipelineJsonSchema()),
  'config/host.schema.json': asJson(hostJsonSchema()),
  'docs/pipeline-file.md': pipelineReference(pipelineIntroduction),
  'docs/host-file.md': hostReference(hostIntroduction),
  'docs/limits.md': limitsReference(),
})

const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
