import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

// npm run fuzz -- [--cases N] [--seed N] [--target NAME]: what `npm test` does with 10,000 cases of each target, with
// as many as are asked for. A target is a file of test/fuzz/ or one of those that its tests are named after.
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string' },
    target: { type: 'string' },
  },
})
for (const name of ['cases', 'seed'] as const) {
  if (values[name] !== undefined && !/^-?\d{1,15}$/.test(values[name])) {
    console.error(`fuzz: expected a number after --${name}, got ${values[name]}`)
    process.exit(2)
  }
}
const folder = join(import.meta.dirname, '..', 'test', 'fuzz')
const files = readdirSync(folder).flatMap((name) => name.match(/^(.*)\.test\.ts$/)?.[1] ?? [])
const { target } = values
const file = files.find((name) => target === name || target?.startsWith(`${name}-`))
if (target !== undefined && file === undefined) {
  console.error(`fuzz: expected one of ${files.join(', ')} after --target, got ${target}`)
  process.exit(2)
}
const chosen = target === undefined ? [] : [join('test', 'fuzz', `${file}.test.ts`), '-t', `^${target}`]
const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'fuzz', ...chosen], {
  stdio: 'inherit',
  env: {
    ...process.env,
    MAYFLY_FUZZ_CASES: values.cases,
    ...(values.seed !== undefined && { MAYFLY_FUZZ_SEED: values.seed }),
  },
})
process.exit(status ?? 1)
