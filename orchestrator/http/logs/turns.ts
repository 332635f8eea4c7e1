/** Milliseconds of a turn. */
const turnMs = 5
/** What all followers together are sent in a turn: 64 MB a second, of which 500 have 128 kB each. */
const bytesPerTurn = 320 * 1024
/** What an event costs beside its bytes, in bytes. */
const eventCost = 4 * 1024

/**
 * Lets followers send one event each, in the order in which they asked, and no more in a turn than leaves the process
 * to who else lives in it: however many read a log, they do not hold up whoever writes it. When the process is busy,
 * turns come later and are not made up for.
 *
 * @returns resolves when an event of so many bytes may be sent
 */
export function createTurns(): (bytes: number) => Promise<void> {
  const waiting: { readonly bytes: number; readonly go: () => void }[] = []
  let room = bytesPerTurn
  let hasNext = false
  const letGo = () => {
    while (room > 0) {
      const first = waiting.shift()
      if (first === undefined) return
      room -= first.bytes + eventCost
      if (!hasNext) setTimeout(begin, turnMs)
      hasNext = true
      first.go()
    }
  }
  const begin = () => {
    hasNext = false
    room = bytesPerTurn
    letGo()
  }
  return (bytes) =>
    new Promise((go) => {
      waiting.push({ bytes, go })
      letGo()
    })
}
