import { InfraError } from '../config/errors.ts'

/** Bounds for a program that reads hostile bytes: seconds of CPU, bytes of address space, bytes of one file. */
export type ToolLimits = { readonly cpu: number; readonly memory: number; readonly fileSize: number }

export type Tool = 'qemu-img' | 'xz' | 'zstd'

/** Arguments for prlimit(1) that start a tool within its bounds. */
export function limitedArgs(tool: Tool, args: readonly string[], limits: ToolLimits): string[] {
  const bounds = [`--cpu=${limits.cpu}`, `--as=${limits.memory}`, `--fsize=${limits.fileSize}`, '--core=0']
  return [...bounds, '--', tool, ...args]
}

/** How every tool is started: its failure is a value, its words are English, and a signal ends it for sure. */
export function toolOptions(signal: AbortSignal) {
  return {
    cancelSignal: signal,
    forceKillAfterDelay: 1000,
    reject: false,
    env: { LC_ALL: 'C' },
  } as const
}

/** Of execa's result, what tells how a tool ended. */
export type ToolResult = {
  readonly exitCode?: number | undefined
  readonly code?: string | undefined
  readonly stderr: string
  readonly shortMessage?: string | undefined
}

const packages = { 'qemu-img': 'qemu-utils', xz: 'xz-utils', zstd: 'zstd', prlimit: 'util-linux' }

/**
 * prlimit says 127 for a tool that is not there; without prlimit itself the call has ENOENT.
 *
 * @throws InfraError `image` with the command that installs it
 */
export function checkToolPresent(tool: Tool, { code, exitCode, stderr }: ToolResult): void {
  const missing =
    code === 'ENOENT'
      ? 'prlimit'
      : exitCode === 127 && stderr.includes('failed to execute')
        ? tool
        : undefined
  if (missing !== undefined) {
    throw new InfraError('image', `expected the program ${missing} on this host, got none`, {
      hint: `Install it: sudo apt-get install -y ${packages[missing]}`,
    })
  }
}

/** What a failed tool said, or how it ended where it said nothing. */
export function toolWords({ stderr, shortMessage }: ToolResult): string {
  return stderr.trim() || (shortMessage ?? 'no reason')
}
