import { createLineReader } from './line-reader.ts'

/** How far a boot has come, as far as its console tells. */
export type MilestoneKind = 'kernel-started' | 'init-started' | 'login-offered'

export type Milestone = { readonly kind: MilestoneKind; readonly sentence: string; readonly line: string }

const milestones: readonly {
  readonly kind: MilestoneKind
  readonly pattern: RegExp
  readonly sentence: string
}[] = [
  { kind: 'kernel-started', pattern: /Linux version \d/, sentence: 'the kernel started' },
  {
    kind: 'init-started',
    pattern: /systemd\[1\]: systemd .*running in system mode|Run \/\S*init as init process/,
    sentence: 'the first program started',
  },
  { kind: 'login-offered', pattern: /^\S+ login: $/, sentence: 'the console offers a login' },
]

/** Looks for the milestones of a boot; each is handed over once. */
export function createMilestoneWatch(onMilestone: (milestone: Milestone) => void): (chunk: Buffer) => void {
  const seen = new Set<MilestoneKind>()
  const look = (line: string) => {
    for (const { kind, pattern, sentence } of milestones) {
      if (seen.has(kind) || !pattern.test(line)) continue
      seen.add(kind)
      onMilestone({ kind, sentence, line })
    }
  }
  const reader = createLineReader({ onLine: look })
  return (chunk) => {
    if (seen.size === milestones.length) return
    reader.push(chunk)
    const prompt = reader.pending()
    if (prompt !== '' && prompt.length < 200) look(prompt)
  }
}
