import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { withLock } from '../../images/lock.ts'

// Takes a lock over and over and notes its comings and goings: node --import tsx lock-child.ts LOCK NOTES ROUNDS
const [lock = '', notes = '', rounds = ''] = process.argv.slice(2)

for (let round = 0; round < Number(rounds); round++) {
  await withLock({ path: lock, signal: new AbortController().signal }, async () => {
    appendFileSync(notes, `in ${process.pid}\n`)
    await sleep(5)
    appendFileSync(notes, `out ${process.pid}\n`)
  })
}
if (rounds === 'hold') {
  await withLock({ path: lock, signal: new AbortController().signal }, async () => {
    process.stdout.write('held\n')
    await sleep(60_000)
  })
}
