import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { createBench, expectNothingLeft, mainFile, qemuProcesses } from '../mayfly.ts'
import { watchRun } from '../watched-run.ts'

const pipeline = `
resources: { cpus: 2, memory: 512MiB }
network: none
secrets: [ TOKEN ]
steps:
  - name: writes
    run: echo "LEFT=by-a-step" >>"$MAYFLY_ENV"
  - name: breaks
    env: { COLOUR: red }
    run: |
      setsid sh -c 'mine=$TOKEN; echo $$ >~/pid; exec sleep 3600' </dev/null >/dev/null 2>&1 &
      echo "it has come so far" >evidence
      sleep 1; exit 7
`
const secret = 's3cret-of-this-run'

it('keeps the machine of a failed job without its secrets, for this user, until somebody ends it', async () => {
  const bench = await createBench()
  const run = await watchRun(bench, {
    pipeline,
    args: ['--on-failure', 'keep', '--secret', `TOKEN=${secret}`],
  })
  onTestFinished(() => void run.mayfly.kill())
  const kept = await run.until(({ type }) => type === 'kept')
  expect(kept.greeting).toContain('failed: step "breaks" ended with exit code 7')
  const mayfly = (...args: string[]) =>
    execa(process.execPath, [mainFile, ...args], {
      env: { MAYFLY_DATA: bench.data },
      reject: false,
      all: true,
    })
  const look =
    'cat work/evidence; . /run/mayfly/job/here; pwd; echo "$LEFT $COLOUR"; ls /run/mayfly/job/secrets; tr "\\0" "\\n" <"/proc/$(cat ~/pid)/environ" | grep TOKEN; exit 5'
  const inside = await mayfly('debug', String(kept.id), '--', look)
  expect(inside.all).toContain('it has come so far\n/home/ci/work\nby-a-step red\n')
  expect(inside.all).toMatch(/secrets'?: No such file/)
  expect(inside.all).toContain(`TOKEN=${'*'.repeat(secret.length)}`)
  expect(inside.exitCode).toBe(5)
  const plain = await execa('sh', ['-c', `${kept.ssh} sh /run/mayfly/job/1/script`], { reject: false })
  expect(plain.exitCode).toBe(7)

  expect(await qemuProcesses(bench.data)).toHaveLength(1)
  expect((await mayfly('debug', String(kept.id), '--end')).exitCode).toBe(0)
  const { code, record } = await run.ended()
  expect([code, record?.verdict]).toEqual([1, 'failed'])
  await expectNothingLeft(bench)

  const again = execa(process.execPath, [mainFile, 'repro', String(kept.id), '--json'], {
    ...{ cwd: bench.work, env: { MAYFLY_DATA: bench.data }, reject: false, all: true },
  })
  onTestFinished(() => void again.kill())
  let id = ''
  for await (const line of again) {
    if (!line.startsWith('{')) continue
    const event = JSON.parse(line)
    if (event.type !== 'kept') continue
    id = event.id
    expect(event.greeting).toContain(
      'step 2 "breaks" comes next and was not run: sh -e /run/mayfly/job/1/script',
    )
    const shown = await mayfly(
      'debug',
      id,
      '--',
      '. /run/mayfly/job/here; echo "$LEFT $COLOUR $TOKEN"; ls; grep exit /run/mayfly/job/1/script',
    )
    expect(shown.all).toBe('by-a-step red \nsleep 1; exit 7')
    await mayfly('debug', id, '--end')
  }
  const { exitCode, all } = await again
  expect([exitCode, all]).toEqual([0, expect.stringContaining('secret TOKEN (--secret NAME)')])
  expect(id).not.toBe(kept.id)
  await expectNothingLeft(bench)
  const late = await mayfly('debug', String(kept.id))
  expect([late.exitCode, late.all]).toEqual([
    2,
    expect.stringContaining('expected a job whose machine is kept'),
  ])
})

it('leads whoever sits at a terminal into each machine in its turn, and ends as the jobs did', async () => {
  const bench = await createBench()
  const job = (name: string) =>
    `  ${name}: { network: none, steps: [ { run: "echo ${name} >mark; exit 3" } ] }\n`
  await writeFile(
    join(bench.work, '.mayfly.yml'),
    `resources: { memory: 512MiB }\njobs:\n${job('one')}${job('two')}`,
  )
  const command = `${process.execPath} ${mainFile} run --on-failure keep`
  // A terminal of its own, on which this test types.
  const person = execa('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    ...{ cwd: bench.work, reject: false, stdin: 'pipe' },
    env: { MAYFLY_DATA: bench.data, NO_COLOR: '1', TERM: 'xterm' },
  })
  onTestFinished(() => void person.kill())
  let [shown, read] = ['', 0]
  person.stdout.on('data', (chunk) => {
    shown += chunk
  })
  const reads = async (text: string) => {
    const find = async () => (shown.indexOf(text, read) === -1 ? undefined : shown.indexOf(text, read))
    const at = await eventually(`the terminal to show ${text}`, find).catch((error: Error) => {
      throw new Error(`${error.message}\nIt shows:\n${shown}`)
    })
    read = at + text.length
  }
  for (const name of ['one', 'two']) {
    await reads(`-${name}\r\nfailed: step`)
    await reads('no more: Enter')
    person.stdin.write('echo "in $(cat work/mark)"; test -t 0 && echo "has a $((40 + 2)) terminal"; exit\r')
    await reads(`in ${name}\r`)
    await reads('has a 42 terminal\r')
    await reads('the machine is ended: its shell ended')
  }
  const { exitCode } = await person
  expect(exitCode).toBe(1)
  await expectNothingLeft(bench)
})

it('parks the machine of a failed job, and leads into it again as often as somebody wants', async () => {
  const bench = await createBench()
  const run = await watchRun(bench, {
    pipeline,
    args: ['--on-failure', 'park', '--secret', `TOKEN=${secret}`],
  })
  const { code, record } = await run.ended()
  expect([code, record?.verdict]).toEqual([1, 'failed'])
  const parked = await run.until(({ type }) => type === 'parked')
  expect(parked.bytes).toBeLessThan(400e6)
  await expectNothingLeft(bench)
  const mayfly = (...args: string[]) =>
    execa(process.execPath, [mainFile, 'debug', String(parked.id), ...args], {
      ...{ env: { MAYFLY_DATA: bench.data }, reject: false, stdin: 'ignore' },
    })
  const look =
    'ps -o comm= -p $(cat pid); . /run/mayfly/job/here; pwd; cat evidence; echo seen >>evidence; exit 5'
  const first = await mayfly('--', look)
  expect([first.stdout, first.exitCode], first.stderr).toEqual([
    'sleep\n/home/ci/work\nit has come so far',
    5,
  ])
  const second = await mayfly('--', 'cat work/evidence')
  expect([second.stdout, second.exitCode], second.stderr).toEqual(['it has come so far\nseen', 0])
  await expectNothingLeft(bench)
  expect((await mayfly('--end')).exitCode).toBe(0)
  const none = await mayfly('true')
  expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('found none of')])
})
