import { z } from 'zod'
import { hostSchema } from '../host/schema.ts'
import { pipelineSchema } from '../pipeline/schema.ts'

/** The JSON Schema (draft 2020-12) of what a person may write in the pipeline file; for editors. */
export const pipelineJsonSchema = (): JsonSchema => ({
  ...jsonSchemaOf(pipelineSchema),
  title: 'Mayfly pipeline file',
})

/** The JSON Schema (draft 2020-12) of what a person may write in the host file; for editors. */
export const hostJsonSchema = (): JsonSchema => ({ ...jsonSchemaOf(hostSchema), title: 'Mayfly host file' })

/** The part of JSON Schema that zod writes for our schemas. */
export type JsonSchema = {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly type?: string | readonly string[]
  readonly enum?: readonly string[]
  readonly anyOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly required?: readonly string[]
}

// Input: what stands in the file, before sizes and durations become numbers.
const jsonSchemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', override: keepDefault }) as JsonSchema

// zod leaves out defaults and examples of what it transforms, as they might be output. Ours are input throughout.
const keepDefault = ({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodType
  jsonSchema: z.core.JSONSchema.BaseSchema
}) => {
  const { default: fallback, examples } = z.globalRegistry.get(zodSchema) ?? {}
  if (fallback !== undefined) jsonSchema.default = fallback as z.core.util.JSONType
  if (examples !== undefined) jsonSchema.examples = examples as z.core.util.JSONType[]
}
