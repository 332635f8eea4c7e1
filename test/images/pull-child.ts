import { pullImage } from '../../images/pull/pull-image.ts'
import { testEntry } from './entry.ts'

// Pulls in a process of its own, which a test may kill: node --import tsx pull-child.ts DATA ENTRY
const [dataFolder = '', entry = '{}'] = process.argv.slice(2)

try {
  const image = await pullImage({
    dataFolder,
    entry: testEntry(JSON.parse(entry)),
    when: 'absent',
    signal: new AbortController().signal,
    onProgress: ({ phase }) => process.stdout.write(`${phase}\n`),
  })
  process.stdout.write(`done ${image.digest}\n`)
} catch (error) {
  process.stdout.write(`failed ${JSON.stringify(error)} ${String(error)}\n`)
  process.exitCode = 3
}
