import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ownIdentity } from '../../../images/process-identity.ts'
import { claimMemory } from '../../../runner/machine/claim-memory.ts'
import { machineRecordName, machinesFolder } from '../../../runner/machine/filenames.ts'
import { writeMachineRecord } from '../../../runner/machine/machine-record.ts'

// Claims memory for a machine as soon as it is told a line, and says whether it got it; it lives until its input ends:
// node --import tsx claim-child.ts DATA PROC ID BYTES
const [dataFolder = '', proc = '', id = '', bytes = ''] = process.argv.slice(2)
const folder = join(machinesFolder(dataFolder), id)
const promised = Number(bytes)
await mkdir(folder, { recursive: true })
process.stdin.once('data', () => {
  claimMemory({
    ...{ dataFolder, proc, need: { guest: promised, own: 0 } },
    write: () =>
      writeMachineRecord(join(folder, machineRecordName), {
        ...{ id, owner: ownIdentity(), runFolder: folder, promised, cloned: false },
      }),
    signal: new AbortController().signal,
  }).then(
    () => process.stdout.write('claimed\n'),
    (error: Error) => process.stdout.write(`refused: ${error.message}\n`),
  )
})
process.stdout.write('ready\n')
