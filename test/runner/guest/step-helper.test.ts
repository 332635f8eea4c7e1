import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { guestPaths, stepFolder } from '../../../runner/guest/guest-paths.ts'
import { createLocalGuest, type LocalGuest } from './local-guest.ts'

async function prepared(env: Readonly<Record<string, string>> = {}): Promise<LocalGuest> {
  const guest = await createLocalGuest()
  await guest.prepare(env)
  return guest
}

describe('a step in the guest', () => {
  it('gives its output, both streams in order, then its exit code and the free disk', async () => {
    const guest = await prepared()
    await guest.place(0, 'echo one\necho two >&2\necho three\nexit 5\n')
    const { output, status } = await guest.run(0)
    expect(output).toBe('one\ntwo\nthree\n')
    expect(status).toMatch(/^exit 5 \d+$/)
  })

  it('that passed says so without a look at the disk', async () => {
    const guest = await prepared()
    await guest.place(0, 'true')
    expect(await guest.run(0)).toEqual({ output: '', status: 'exit 0 -' })
  })

  it('stops at the first command that fails', async () => {
    const guest = await prepared()
    await guest.place(0, 'echo before\nfalse\necho after\n')
    const { output, status } = await guest.run(0)
    expect(output).toBe('before\n')
    expect(status).toMatch(/^exit 1 /)
  })

  it('runs in the working directory, without input, by the shell it asks for', async () => {
    const guest = await prepared()
    await guest.place(0, 'print "$0 @ARGV\\n"; print <STDIN>; use Cwd; print getcwd, "\\n"; exit 3')
    const { output, status } = await guest.run(0, 0, 'perl -w')
    expect(output).toBe(`${guest.map(stepFolder(0))}/script \n${guest.workdir}\n`)
    expect(status).toMatch(/^exit 3 /)
  })

  it('fails where its working directory is gone', async () => {
    const guest = await prepared()
    await guest.sh(`rm -r '${guest.workdir}'`)
    await guest.place(0, 'echo never')
    const { output, status } = await guest.run(0)
    expect(output).not.toContain('never')
    expect(status).toBe('exit 1 -')
  })

  it('that fails after it has removed its working directory still says how', async () => {
    const guest = await prepared()
    await guest.place(0, 'rm -r "$PWD"; exit 9')
    expect((await guest.run(0)).status).toBe('exit 9 -')
  })

  it('has the environment of the job and its own over it', async () => {
    const guest = await prepared({ A: 'job', B: "it's\ntwo lines" })
    await guest.place(0, 'echo "$A|$B|$MAYFLY_ENV"', "export A='step'")
    expect((await guest.run(0)).output).toBe(`step|it's\ntwo lines|${guest.map(guestPaths.envFile)}\n`)
  })

  it('has the secrets only from the moment they are there', async () => {
    const guest = await prepared()
    await guest.place(0, 'echo "token: $TOKEN"')
    await guest.place(1, 'echo "token: $TOKEN"')
    expect((await guest.run(0)).output).toBe('token: \n')
    await writeFile(guest.map(guestPaths.secrets), "export TOKEN='hunter22'\n")
    expect((await guest.run(1)).output).toBe('token: hunter22\n')
  })

  it('gives a megabyte without a line break and bytes of any value', async () => {
    const guest = await prepared()
    await guest.place(0, "head -c 1000000 /dev/zero | tr '\\0' x; printf '\\377\\000\\033[2J'")
    const { output, status } = await guest.run(0)
    expect(output).toHaveLength(1_000_000 + 6)
    expect(status).toBe('exit 0 -')
  })
})

describe('a step that is watched again', () => {
  it('gives exactly the bytes after the offset, and is not run twice', async () => {
    const guest = await prepared()
    await guest.place(0, `echo run >>'${guest.root}/count'; printf 0123456789`)
    expect((await guest.run(0)).output).toBe('0123456789')
    for (const from of [0, 1, 7, 10]) {
      const { output, status } = await guest.run(0, from)
      expect(output).toBe('0123456789'.slice(from))
      expect(status).toBe('exit 0 -')
    }
    expect(await readFile(join(guest.root, 'count'), 'utf8')).toBe('run\n')
  })

  it('by two at once while it goes on gives both all of it', async () => {
    const guest = await prepared()
    await guest.place(0, 'for i in 1 2 3 4 5; do echo $i; sleep 0.1; done')
    const both = await Promise.all([guest.run(0), guest.run(0)])
    expect(both.map(({ output }) => output)).toEqual(['1\n2\n3\n4\n5\n', '1\n2\n3\n4\n5\n'])
    expect(both.map(({ status }) => status)).toEqual(['exit 0 -', 'exit 0 -'])
  })

  it('goes on while nobody watches', async () => {
    const guest = await prepared()
    await guest.place(0, 'echo begun; sleep 0.4; echo done')
    const first = guest.sh(`timeout 0.2 sh ${guestPaths.helper} run 0 0 'sh -e'`)
    expect((await first).stdout).toBe('begun\n')
    expect(await guest.run(0, 'begun\n'.length)).toEqual({ output: 'done\n', status: 'exit 0 -' })
  })
})

describe('a step that is started ahead', () => {
  it('waits for its shell, then gives its output and its status as any other', async () => {
    const guest = await prepared({ A: 'job' })
    await guest.place(0, 'echo "$A $(pwd)"; cat; exit 5')
    const { stdout, stderr } = await guest.sh(`(sleep 0.3; echo 'sh -e') | sh ${guestPaths.helper} ahead 0`)
    expect(stdout).toBe(`job ${guest.workdir}\n`)
    expect(stderr).toMatch(/^exit 5 \d+\n$/)
    expect(await guest.run(0, 4)).toMatchObject({ output: `${guest.workdir}\n` })
  })

  it('does not run where its input ends without a shell, and can still be run', async () => {
    const guest = await prepared()
    await guest.place(0, 'echo ran')
    expect(await guest.sh(`sh ${guestPaths.helper} ahead 0`)).toMatchObject({ stdout: '', stderr: '' })
    expect(await guest.run(0)).toEqual({ output: 'ran\n', status: 'exit 0 -' })
  })

  it('does not run where it was started otherwise', async () => {
    const guest = await prepared()
    await guest.place(0, `echo run >>'${guest.root}/count'`)
    const go = join(guest.root, 'go')
    const waits = guest.sh(
      `(until [ -e '${go}' ]; do sleep 0.05; done; echo 'sh -e') | sh ${guestPaths.helper} ahead 0`,
    )
    expect((await guest.run(0)).status).toBe('exit 0 -')
    await writeFile(go, '')
    await waits
    expect(await readFile(join(guest.root, 'count'), 'utf8')).toBe('run\n')
  })

  it('that comes too late leaves the output as it is', async () => {
    const guest = await prepared()
    await guest.place(0, 'echo kept')
    await guest.run(0)
    await guest.sh(`echo 'sh -e' | sh ${guestPaths.helper} ahead 0`)
    expect((await guest.run(0)).output).toBe('kept\n')
  })

  it('runs once, whoever comes first', async () => {
    for (let round = 0; round < 8; round++) {
      const guest = await prepared()
      await guest.place(0, `echo run >>'${guest.root}/count'; echo out`)
      const [, run] = await Promise.all([
        guest.sh(`echo 'sh -e' | sh ${guestPaths.helper} ahead 0`),
        sleep(round * 3).then(() => guest.run(0)),
      ])
      expect(run).toEqual({ output: 'out\n', status: 'exit 0 -' })
      expect(await readFile(join(guest.root, 'count'), 'utf8')).toBe('run\n')
    }
  })

  it('is gone when its shell was killed before it left a status', async () => {
    const guest = await prepared()
    await guest.place(0, 'echo last words; kill -KILL $PPID; sleep 9')
    const { stdout, stderr } = await guest.sh(`echo 'sh -e' | sh ${guestPaths.helper} ahead 0`)
    expect([stdout, stderr]).toEqual(['last words\n', 'gone\n'])
  })

  it('is stopped with every process of its session', async () => {
    const guest = await prepared()
    const marker = `8${process.pid}.25`
    await guest.place(0, `echo begun; sleep ${marker}`)
    const running = guest.sh(`echo 'sh -e' | sh ${guestPaths.helper} ahead 0`)
    await expect.poll(() => guest.isRunning(`sleep ${marker}`)).toBe(true)
    await guest.sh(`sh ${guestPaths.helper} stop 0`)
    expect(await running).toMatchObject({ stderr: 'gone\n' })
    expect(await guest.isRunning(`sleep ${marker}`)).toBe(false)
  })
})

describe('a variable of a job', () => {
  it('may have any name: the helper has none of its own while a step runs', async () => {
    const names = ['step', 'out', 'shell', 'line', 'code', 'begun', 'pid', 'tries', 'free']
    const guest = await prepared(Object.fromEntries(names.map((name) => [name, `of ${name}`])))
    await writeFile(guest.map(guestPaths.envFile), 'HANDED=on\n')
    await guest.place(0, `echo "${names.map((name) => `$${name}`).join(',')}"; exit 4`)
    const { output, status } = await guest.run(0)
    expect(output).toBe(`${names.map((name) => `of ${name}`).join(',')}\n`)
    expect(status).toMatch(/^exit 4 \d+$/)
  })
})

describe('MAYFLY_ENV', () => {
  it('hands variables on to the steps that follow', async () => {
    const guest = await prepared()
    await guest.place(0, `echo ANSWER=42 >>"$MAYFLY_ENV"; printf "QUOTE=it's \\$HOME = x" >>"$MAYFLY_ENV"`)
    await guest.place(1, 'echo "$ANSWER|$QUOTE"')
    await guest.run(0)
    expect((await guest.run(1)).output).toBe("42|it's $HOME = x\n")
  })

  it('is overruled by what the step itself sets', async () => {
    const guest = await prepared({ A: 'job' })
    await guest.place(0, 'echo A=handed >>"$MAYFLY_ENV"')
    await guest.place(1, 'echo "$A"')
    await guest.place(2, 'echo "$A"', 'export A=step')
    await guest.run(0)
    expect((await guest.run(1)).output).toBe('handed\n')
    expect((await guest.run(2)).output).toBe('step\n')
  })

  it('has the lines that are none reported, and takes the others', async () => {
    const guest = await prepared()
    const wrong = ['no equals sign', '=value', '9LIVES=1', 'with blank=1', 'a-b=1', 'a;id=1', '$(id)=1']
    await writeFile(guest.map(guestPaths.envFile), `BEFORE=1\n${wrong.join('\n')}\nAFTER=2\n`)
    await guest.place(0, 'echo "$BEFORE$AFTER"')
    const { output, status } = await guest.run(0)
    const reports = wrong.map((line) => `mayfly: expected KEY=value in $MAYFLY_ENV, got: ${line}\n`)
    expect(output).toBe(`${reports.join('')}12\n`)
    expect(status).toBe('exit 0 -')
  })
})

describe('a step that ends otherwise', () => {
  it('is gone when its shell was killed before it left a status', async () => {
    const guest = await prepared()
    await guest.place(0, 'echo last words; kill -KILL $PPID; sleep 9')
    const { output, status } = await guest.run(0)
    expect(output).toBe('last words\n')
    expect(status).toBe('gone')
  })

  it('has every process of its session ended when it is stopped', async () => {
    const guest = await prepared()
    const marker = `4${process.pid}.25`
    await guest.place(0, `sleep ${marker} & echo begun; sleep ${marker}`)
    const running = guest.run(0)
    await expect.poll(() => guest.isRunning(`sleep ${marker}`)).toBe(true)
    await guest.sh(`sh ${guestPaths.helper} stop 0`)
    const { output, status } = await running
    expect(output).toContain('begun\n')
    expect(status).toBe('gone')
    expect(await guest.isRunning(`sleep ${marker}`)).toBe(false)
  })

  it('has them killed when they do not listen', async () => {
    const guest = await prepared()
    const marker = `5${process.pid}.25`
    await guest.place(0, `trap '' TERM; echo begun; while :; do sleep ${marker}; done`)
    const running = guest.run(0)
    await expect.poll(() => guest.isRunning(`sleep ${marker}`)).toBe(true)
    await sleep(50)
    await guest.sh(`sh ${guestPaths.helper} stop 0`)
    expect((await running).status).toBe('gone')
    expect(await guest.isRunning(`sleep ${marker}`)).toBe(false)
  })
})
