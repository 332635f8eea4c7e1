import { expect, it } from 'vitest'
import { isLive } from '../../../../orchestrator/command/view/is-live.ts'

it.each([
  [{ isTTY: true, columns: 80 }, true],
  // A pseudo-terminal that nobody gave a size, as of expect(1) or docker exec -t: ora would clear lines for ever.
  [{ isTTY: true, columns: 0 }, false],
  [{ isTTY: false, columns: 80 }, false],
])('writes over lines only on a terminal that has a width: %j', (out, live) => {
  expect(isLive(out)).toBe(live)
})
