import { parseArgs } from 'node:util'
import { execa } from 'execa'
import { dataFolder as chooseDataFolder } from '../../config/data-folder.ts'
import { loadHostConfig } from '../../config/host/load-host-config.ts'
import { packageRoot } from '../../images/package-root.ts'
import { ensureParts } from './ensure-parts.ts'
import { runFaults } from './run-faults.ts'

/**
 * `npm run test:faults [-- --seed N] [-- --faults N] [-- --jobs N]`: kills and cuts off parts of an installation while
 * jobs run in real machines, then checks that nothing was lost, done twice or left behind. Exit code 0 only then.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    faults: { type: 'string', default: '40' },
    jobs: { type: 'string', default: '16' },
  },
})
const [seed, faults, jobs] = (['seed', 'faults', 'jobs'] as const).map((name) => {
  const value = Number(values[name])
  if (Number.isSafeInteger(value) && value >= (name === 'jobs' ? 1 : 0)) return value
  process.stderr.write(`expected --${name} with a whole number, got ${values[name]}\n`)
  return process.exit(2)
}) as [number, number, number]

const say = (line: string) => void process.stdout.write(`${line}\n`)
say(`seed ${seed}`)
await execa('npm', ['run', '--silent', 'build'], { cwd: packageRoot() })
const env = process.env
const sharedData = chooseDataFolder({ env, host: await loadHostConfig({ env }) })
await ensureParts(sharedData)
const { lost, doubled, orphaned, close, folder, ...did } = await runFaults({
  seed,
  faults,
  jobs,
  sharedData,
  say,
})
for (const sentence of lost) say(`lost: ${sentence}`)
for (const sentence of doubled) say(`doubled: ${sentence}`)
for (const sentence of orphaned) say(`orphaned: ${sentence}`)
const isRight = lost.length + doubled.length + orphaned.length === 0
if (isRight) await close()
else say(`what there is to look at: ${folder}`)
say(
  `faults ${did.faults}, jobs ${did.jobs}, lost ${lost.length}, doubled ${doubled.length}, orphaned ${orphaned.length}, seed ${seed}`,
)
process.exit(isRight ? 0 : 1)
