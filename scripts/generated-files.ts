import { generatedFiles as fromSchemas } from '../config/generate/generated-files.ts'
import { generateReference } from '../orchestrator/command/generate-reference.ts'
import { program } from '../orchestrator/command/program.ts'

/** Every file of the repository that is generated, by its path. Put together here, for no room may know them all. */
export const generatedFiles = (): Readonly<Record<string, string>> => ({
  ...fromSchemas(),
  'docs/command.md': generateReference(program()),
})
