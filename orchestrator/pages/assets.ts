import { createRequire } from 'node:module'
import { join } from 'node:path'
import { packageRoot } from '../../images/package-root.ts'

type Asset = { readonly file: string; readonly type: string }

const script = 'text/javascript; charset=utf-8'
const style = 'text/css; charset=utf-8'
const require = createRequire(import.meta.url)

/** What pages load beside themselves, by its name in the URL: files of ours, and of packages that run in a browser. */
const assets: Readonly<Record<string, Asset>> = {
  'style.css': { file: ours('style.css'), type: style },
  'live.js': { file: ours('live.js'), type: script },
  'log.js': { file: ours('log.js'), type: script },
  'screen.js': { file: ours('screen.js'), type: script },
  'link.js': { file: ours('link.js'), type: script },
  'terminal.js': { file: ours('terminal.js'), type: script },
  'console.js': { file: ours('console.js'), type: script },
  'icon.svg': { file: ours('icon.svg'), type: 'image/svg+xml' },
  'xterm.js': { file: require.resolve('@xterm/xterm/lib/xterm.mjs'), type: script },
  'xterm.css': { file: require.resolve('@xterm/xterm/css/xterm.css'), type: style },
  'addon-fit.js': { file: require.resolve('@xterm/addon-fit/lib/addon-fit.mjs'), type: script },
}

/** Undefined for a name that no page has. */
export function findAsset(name: string): Asset | undefined {
  return Object.hasOwn(assets, name) ? assets[name] : undefined
}

function ours(name: string): string {
  return join(packageRoot(), 'orchestrator', 'pages', 'assets', name)
}
