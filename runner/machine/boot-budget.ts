import { formatDuration } from '../../config/duration.ts'
import { cpuTime } from './cpu-time.ts'
import type { Console } from './machine.ts'

type Budget = {
  pid: number
  console: Console
  /** milliseconds of QEMU's CPU time a boot may use in all */
  cpuTime: number
  /** milliseconds without a byte on the console after which a guest that spins or sleeps is given up */
  quiet: number
}

type BootBudget = { readonly signal: AbortSignal; readonly end: () => void }

const pollMs = 500

/**
 * Gives a boot up by what the guest did, not by the wall clock alone: a guest on a loaded host gets little CPU time
 * and is waited for; one that used its budget, or is silent and either spins or sleeps, is not.
 */
export function createBootBudget({ pid, console, cpuTime, quiet }: Budget): BootBudget {
  const controller = new AbortController()
  let heard = { at: performance.now(), cpu: cpuMs(pid) }
  const stopListening = console.listen(() => {
    heard = { at: performance.now(), cpu: cpuMs(pid) }
  })
  const timer = setInterval(() => {
    const cpu = cpuMs(pid)
    const verdict = judge({
      cpu,
      sinceHeard: cpu - heard.cpu,
      silence: performance.now() - heard.at,
      cpuTime,
      quiet,
    })
    if (verdict !== undefined) controller.abort(new Error(verdict))
  }, pollMs)
  return {
    signal: controller.signal,
    end: () => {
      clearInterval(timer)
      stopListening()
    },
  }
}

type Judge = { cpu: number; sinceHeard: number; silence: number; cpuTime: number; quiet: number }

/** Why a boot is to be given up, all in milliseconds; undefined while it may go on. */
export function judge({ cpu, sinceHeard, silence, cpuTime, quiet }: Judge): string | undefined {
  if (cpu > cpuTime) return `the guest used ${formatDuration(cpu)} of CPU time and is still not ready`
  if (silence < quiet) return undefined
  if (sinceHeard > quiet / 2) return `the guest has been computing in silence for ${formatDuration(silence)}`
  if (sinceHeard < silence / 20) return `the guest has been idle and silent for ${formatDuration(silence)}`
  return undefined
}

function cpuMs(pid: number): number {
  return cpuTime(pid) ?? 0
}
