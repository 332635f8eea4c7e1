import type { BenchHost } from '../bench-host.ts'

/** Everything that is timed, in the order of the tables. */
export const whats = ['cold', 'template', 'pool', 'checkpoint', 'packer', 'autopkgtest'] as const
export type What = (typeof whats)[number]

/** Somebody else's program: one machine at a time, in the first rounds only, and a start that fails is left out. */
export function isPeer(what: What): boolean {
  return what === 'packer' || what === 'autopkgtest'
}

/** How many machines are asked for at the same moment. */
export const crowds = [1, 2, 8] as const

/**
 * Of one machine's start: times in seconds from the moment it was asked for, memory of its QEMU in bytes, looked at
 * when its first command spoke.
 */
export type StartFigures = {
  /** Until the guest ran; only a clone has such a moment. */
  readonly running?: number | undefined
  /** Until whoever asked had a login. */
  readonly ssh?: number | undefined
  /** Until the first byte of the first command. */
  readonly first_byte: number
  readonly rss?: number | undefined
  /** The same, pages that it shares with others divided by their number. */
  readonly pss?: number | undefined
  /** Pages that it has alone because it wrote them: what one more machine takes from the host. */
  readonly private?: number | undefined
}

/** One way to come to a machine. */
export type Contender = {
  readonly what: What
  /** Starts machines at the same moment, and gives the figures of each; nothing of them is left then. */
  start(crowd: Crowd): Promise<StartFigures[]>
}

export type Crowd = {
  /** 1 to 50 of a-z, 0-9 and `-`; unique in a run. */
  readonly id: string
  readonly atOnce: number
}

/** A contender that this host cannot show, and what to do about it. */
export type Absent = { readonly absent: string }

/** What contenders are made of. */
export type StartPlace = {
  readonly bench: BenchHost
  /** A data folder of the run's own, on the user's images. */
  readonly data: string
  /** The files of each job. */
  readonly work: string
  /** For whatever peers write. */
  readonly peers: string
}
