import { exitCodes } from './exit-codes.ts'

/**
 * Ends the command in good order when whoever reads its output is gone, as in `mayfly run | head`: what listens for
 * TERM cancels and cleans up, everything else just ends.
 */
export function endWithReader(): void {
  let ended = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    if (ended) return
    ended = true
    if (!process.emit('SIGTERM')) process.exit(exitCodes.passed)
  })
}
