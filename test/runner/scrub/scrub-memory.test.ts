import { execa } from 'execa'
import { describe, expect, it, onTestFinished } from 'vitest'
import { scrubMemory } from '../../../runner/scrub/scrub-memory.ts'

const { signal } = new AbortController()
const secret = 'correct-horse-battery'
const needles = [Buffer.from(secret)]
const page = 4096
const size = 24 * 2 ** 20

/** Maps memory as a guest's, writes at the places that it is told, and says what it has there when it is asked. */
const program = `
import ctypes, mmap, sys, tempfile
size, places, kind = int(sys.argv[1]), [int(p) for p in sys.argv[2].split(',')], sys.argv[3]
if kind == 'clone':
    template = tempfile.TemporaryFile()
    template.truncate(size)
    template.seek(${page * 3}); template.write(b'${secret}')
    template.flush()
    memory = mmap.mmap(template.fileno(), size, flags=mmap.MAP_PRIVATE)
    memory[${page * 3}]
else:
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for place in places:
    memory[place:place + ${secret.length}] = b'${secret}'
print(ctypes.addressof(ctypes.c_char.from_buffer(memory)), flush=True)
for line in sys.stdin:
    at, length = line.split()
    print(memory[int(at):int(at) + int(length)].hex(), flush=True)
`

async function aProcess(places: readonly number[], kind: 'own' | 'clone' = 'own') {
  const child = execa('python3', ['-c', program, String(size), places.join(), kind], { reject: false })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await child
  })
  const answers = child.iterable({ from: 'stdout' })[Symbol.asyncIterator]()
  const next = async () => {
    const { value } = await answers.next()
    if (value === undefined) throw new Error(`expected an answer, got the end: ${(await child).stderr}`)
    return String(value)
  }
  const address = Number(await next())
  return {
    ...{ pid: child.pid as number, address, size, cloned: kind === 'clone' },
    async bytes(at: number, length: number) {
      child.stdin.write(`${at} ${length}\n`)
      return Buffer.from(await next(), 'hex').toString('latin1')
    },
  }
}

describe('scrubMemory', { timeout: 60_000 }, () => {
  it('overwrites a secret in the memory of another process, wherever it is', async () => {
    const places = [0, page - 10, 8 * 2 ** 20 - 9, 12_345_678, size - secret.length]
    const memory = await aProcess(places)
    expect(await scrubMemory({ ...memory, needles, signal })).toBeGreaterThanOrEqual(places.length)
    for (const at of places) expect(await memory.bytes(at, secret.length)).toBe('*'.repeat(secret.length))
    const after = await memory.bytes(12_345_678 - 4, secret.length + 8)
    expect(after).toBe(`\0\0\0\0${'*'.repeat(secret.length)}\0\0\0\0`)
    expect(await scrubMemory({ ...memory, needles, signal })).toBe(0)
  })

  it('leaves alone what is still the template’s, and finds what a clone wrote', async () => {
    const memory = await aProcess([page * 100], 'clone')
    expect(await scrubMemory({ ...memory, needles, signal })).toBe(1)
    expect(await memory.bytes(page * 100, secret.length)).toBe('*'.repeat(secret.length))
    expect(await memory.bytes(page * 3, secret.length)).toBe(secret)
    expect(await scrubMemory({ ...memory, cloned: false, needles, signal })).toBe(1)
    expect(await memory.bytes(page * 3, secret.length)).toBe('*'.repeat(secret.length))
  })

  it('says what the system says of a process that is gone, and stops when it is told to', async () => {
    const memory = await aProcess([0])
    const stop = new AbortController()
    stop.abort(new Error('no more time'))
    await expect(scrubMemory({ ...memory, needles, signal: stop.signal })).rejects.toThrow('no more time')
    expect(await memory.bytes(0, secret.length)).toBe(secret)
    await expect(scrubMemory({ ...memory, pid: 2 ** 22 - 1, needles, signal })).rejects.toThrow('ENOENT')
    expect(await scrubMemory({ ...memory, needles: [], signal })).toBe(0)
  })
})
