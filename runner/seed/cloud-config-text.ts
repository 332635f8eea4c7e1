import { stringify } from 'yaml'
import type { CloudConfig } from './cloud-config.ts'

/**
 * Writes a cloud-config so that PyYAML reads exactly what we mean: strings quoted, and beyond ASCII escaped,
 * for it takes a raw U+2028 or U+0085 in a quoted string for the end of the line.
 */
export function cloudConfigText(config: CloudConfig): string {
  const text = stringify(config, {
    version: '1.1',
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'QUOTE_DOUBLE',
    doubleQuotedAsJSON: true,
    aliasDuplicateObjects: false,
    lineWidth: 0,
  })
  return `#cloud-config\n${text.replaceAll(/[^\n\x20-\x7e]/gu, escaped)}`
}

function escaped(character: string): string {
  return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
}
