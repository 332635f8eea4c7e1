import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { packageRoot } from '../../images/package-root.ts'
import type { BenchHost } from './bench-host.ts'
import { type Figure, figure } from './figure.ts'

const pollMs = 50

/** `mayfly run hello.yml` as a user types it: the whole process's time, and the most memory it had on the way. */
export async function helloJob({ dataFolder }: BenchHost, runs: number): Promise<Figure[]> {
  const root = packageRoot()
  await execa('npm', ['run', '--silent', 'build'], { cwd: root })
  const main = join(root, 'dist', 'orchestrator', 'command', 'main.js')
  const seconds: number[] = []
  const mebibytes: number[] = []
  for (let run = 0; run < runs; run++) {
    const started = performance.now()
    const child = execa(process.execPath, [main, 'run', join(root, 'config', 'examples', 'hello.yml')], {
      env: { MAYFLY_DATA: dataFolder },
    })
    let peak = 0
    const timer = setInterval(() => {
      peak = Math.max(peak, peakMemory(child.pid ?? 0))
    }, pollMs)
    await child.finally(() => clearInterval(timer))
    seconds.push((performance.now() - started) / 1000)
    mebibytes.push(peak)
  }
  return [
    figure({ what: 'mayfly run hello.yml, cold, whole process', unit: 's', target: '', samples: seconds }),
    figure({
      what: "runner's own peak memory in that job",
      unit: 'MiB',
      target: '<= 120 MiB',
      samples: mebibytes,
    }),
  ]
}

/** MiB, VmHWM of proc_pid_status(5); QEMU is a process of its own and not in it. */
function peakMemory(pid: number): number {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return Number(kibibytes ?? 0) / 1024
  } catch {
    return 0
  }
}
