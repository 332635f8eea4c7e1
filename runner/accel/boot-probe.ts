import { execa } from 'execa'

export type BootProbe = { readonly booted: boolean; readonly reason: string; readonly ms: number }

type Probe = {
  binary: string
  kernel: string
  timeoutMs?: number
  accel?: 'kvm' | 'tcg'
  signal: AbortSignal
}

/**
 * Boots a kernel for as long as it takes to say its version on the console. A /dev/kvm that opens proves nothing:
 * there are some that abort QEMU, and some in which a 64-bit kernel never leaves its decompressor.
 */
export async function bootProbe({
  binary,
  kernel,
  timeoutMs = 10_000,
  accel = 'kvm',
  signal,
}: Probe): Promise<BootProbe> {
  const started = performance.now()
  const timeout = AbortSignal.timeout(timeoutMs)
  const child = execa(
    'prlimit',
    ['--core=0', 'setpriv', '--pdeathsig', 'KILL', binary, ...probeArgs(kernel, accel)],
    {
      stdin: 'ignore',
      reject: false,
      buffer: false,
      cancelSignal: AbortSignal.any([signal, timeout]),
      forceKillAfterDelay: 500,
    },
  )
  const spoken = new Promise<boolean>((resolve) => {
    let console = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      console = (console + chunk.toString('latin1')).slice(-4096)
      if (console.includes('Linux version')) resolve(true)
    })
    child.then(() => resolve(false)).catch(() => resolve(false))
  })
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString('utf8')).slice(-400)
  })
  const booted = await spoken
  child.kill('SIGKILL')
  await child
  signal.throwIfAborted()
  const ms = Math.round(performance.now() - started)
  if (booted) return { booted, ms, reason: `a kernel spoke ${ms} ms after the start` }
  const why = timeout.aborted
    ? `a kernel said nothing within ${timeoutMs / 1000} s`
    : `QEMU ended: ${complaint.trim().split('\n').at(-1) || 'without a word'}`
  return { booted, ms, reason: why }
}

function probeArgs(kernel: string, accel: 'kvm' | 'tcg'): string[] {
  return [
    ['-machine', 'pc'],
    ['-accel', accel],
    ['-cpu', accel === 'kvm' ? 'host' : 'max'],
    ['-m', '256M'],
    ['-nodefaults', '-no-user-config', '-no-reboot'],
    ['-display', 'none'],
    ['-kernel', kernel],
    ['-append', 'console=ttyS0 panic=-1'],
    ['-serial', 'stdio'],
  ].flat()
}
