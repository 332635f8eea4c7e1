import { createHumanView } from './human-view.ts'
import { isLive } from './is-live.ts'
import { createJsonView } from './json-view.ts'
import type { View } from './view.ts'

/** Events as JSON where they are asked for; else for people, live on a terminal and in plain lines elsewhere. */
export function createView({ json, console }: { json: boolean; console: boolean }): View {
  if (json) return createJsonView(process.stdout)
  return createHumanView({ out: process.stdout, live: isLive(process.stdout), console })
}
