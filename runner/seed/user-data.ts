import type { BaseCloudConfig, CloudConfig } from './cloud-config.ts'
import { cloudConfigText } from './cloud-config-text.ts'
import { mergeConfigs } from './merge-configs.ts'
import { type MimePart, multipart } from './multipart.ts'
import { parseUserData } from './parse-user-data.ts'
import { protectLogin } from './protect-login.ts'

type MergeSpec = {
  readonly base: BaseCloudConfig
  /** Custom user-data, the weakest first: the image's, then the job's. */
  readonly layers: readonly (string | undefined)[]
}

/**
 * The user-data of one machine: ours below, the image's and the job's above, and our login on top of all.
 * A layer that is a script becomes a part of its own, which cloud-init runs last.
 *
 * @throws {ConfigError} with line and column when a layer is neither a cloud-config nor a script
 */
export function mergeUserData({ base, layers }: MergeSpec): Buffer {
  const configs: CloudConfig[] = []
  const scripts: string[] = []
  for (const layer of layers) {
    const parsed = parseUserData(layer ?? '')
    if (parsed.kind === 'cloud-config') configs.push(parsed.config)
    if (parsed.kind === 'script') scripts.push(parsed.text)
  }
  const merged = protectLogin(mergeConfigs([base, ...configs]), base)
  const text = cloudConfigText(merged)
  if (scripts.length === 0) return Buffer.from(text)
  return multipart([
    { type: 'text/cloud-config', filename: 'mayfly.cfg', text },
    ...scripts.map(
      (script, index): MimePart => ({
        type: 'text/x-shellscript',
        filename: `user-data-${index}.sh`,
        text: script,
      }),
    ),
  ])
}
