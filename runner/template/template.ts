import type { TemplatePaths } from './filenames.ts'
import type { TemplateManifest } from './manifest.ts'

/** A frozen machine from which others start. */
export type Template = {
  readonly key: string
  readonly paths: TemplatePaths
  readonly manifest: TemplateManifest
}
