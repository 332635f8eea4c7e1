import pc from 'picocolors'
import { formatDuration } from '../../../config/duration.ts'
import { formatSize } from '../../../config/size.ts'
import type { JobEvent } from '../../../runner/job/job-event.ts'
import type { Phase, Verdict } from '../../../runner/job/verdict.ts'
import { createImageLine } from './image-line.ts'
import { oneLine } from './one-line.ts'
import { createStatusLine } from './status-line.ts'
import { createTerminalText } from './terminal-text.ts'
import type { View, ViewedJob, ViewedKept } from './view.ts'

type HumanView = { out: NodeJS.WriteStream; live: boolean; console: boolean }

const phaseWords: Readonly<Record<Phase, string>> = {
  image: 'getting the image',
  boot: 'booting a fresh machine',
  setup: 'setting up',
  upload: 'uploading the files',
  steps: 'running the steps',
  collect: 'collecting artifacts',
  reported: 'reporting',
  destroyed: 'destroying the machine',
}

/** Phases that are worth a line of their own once they are over. */
const shownPhases: readonly Phase[] = ['image', 'boot', 'upload', 'collect', 'destroyed']

/** Phases with their times, then what the steps print, then the verdict and where everything is kept. */
export function createHumanView({ out, live, console: showConsole }: HumanView): View {
  const status = createStatusLine(out, live)
  const imageLine = createImageLine(out, status, live)
  const logText = createTerminalText()
  const consoleText = createTerminalText()
  let job: ViewedJob | undefined
  let atLineStart = true
  let details: string[] = []
  let use: Extract<JobEvent, { type: 'sample' }> | undefined

  const write = (text: string) => {
    if (text === '') return
    status.hide()
    out.write(text)
    atLineStart = text.endsWith('\n')
  }
  const line = (text: string) => write(`${atLineStart ? '' : '\n'}${text}\n`)

  const verdictLines = ({ verdict, reason, evidence, hint, at }: Extract<JobEvent, { type: 'verdict' }>) => {
    line(
      `${mark(verdict)} ${pc.bold(verdict)} in ${formatDuration(at)}${reason === undefined ? '' : `: ${reason}`}`,
    )
    for (const shown of evidence) line(`  ${pc.dim('|')} ${oneLine(shown)}`)
    if (hint !== undefined) line(`  ${pc.dim(`hint: ${hint}`)}`)
    const traffic = trafficLine(use)
    if (traffic !== undefined) line(pc.dim(`  ${traffic}`))
  }

  const onEvent = (event: JobEvent) => {
    switch (event.type) {
      case 'phase-started':
        details = []
        if (event.phase !== 'steps' && event.phase !== 'setup') status.show(phaseWords[event.phase])
        break
      case 'gate':
        details.push(`${event.name} ${formatDuration(event.ms)}`)
        break
      case 'phase-ended':
        imageLine.end()
        status.hide()
        if (shownPhases.includes(event.phase)) line(phaseLine(event.phase, event.ms, details))
        break
      case 'machine': {
        const { image, cpus, memory, accel, accelReason, network } = event.facts
        details.unshift(
          `${image}, ${cpus} cpus, ${formatSize(memory)}, network ${network}, ${accel} (${accelReason})`,
        )
        break
      }
      case 'note':
        line(pc.dim(`  ${event.message.replaceAll('\n', '\n  ')}`))
        break
      case 'step-started':
        line(pc.cyan(`▸ ${event.name}`))
        break
      case 'log':
        if (event.step !== undefined) write(logText.push(event.data))
        break
      case 'console':
        if (showConsole) write(pc.dim(consoleText.push(event.data)))
        break
      case 'step-ended': {
        const code =
          event.exitCode === undefined || event.exitCode === 0 ? '' : `, exit code ${event.exitCode}`
        const symbol = event.status === 'passed' ? pc.green('✔') : pc.red('✘')
        line(`${symbol} ${event.name} ${pc.dim(`${formatDuration(event.ms)}${code}`)}`)
        break
      }
      case 'step-skipped':
        line(pc.dim(`- ${event.name} skipped`))
        break
      case 'artifact':
        details.push(`${event.path} ${formatSize(event.bytes)}`)
        break
      case 'verdict':
        verdictLines(event)
        break
      case 'sample':
        use = event
        break
      case 'egress':
        if (event.learned !== undefined)
          line(`The allow-list that this job needs: ${JSON.stringify(event.learned)}`)
        break
    }
  }

  return {
    job(viewed) {
      job = viewed
      use = undefined
      if (!viewed.alone) line(pc.bold(`\njob ${viewed.name}`))
      return (progress) => imageLine.update(progress)
    },
    event: onEvent,
    skipped: (name, unmet) => line(pc.dim(`\njob ${name} skipped: it needs ${unmet.join(', ')}`)),
    interrupted: () => line(pc.yellow('interrupted: destroying the machine (Ctrl-C again to leave at once)')),
    kept: (kept) => keptLines(kept).forEach(line),
    parked: ({ bytes, debug }) =>
      line(`\nThe machine is parked, in ${formatSize(bytes)}. Resume it with: ${debug}`),
    keptOver: (why) => line(pc.dim(`the machine is ended: ${why}`)),
    finished(results) {
      if (results.length > 1) {
        line('')
        for (const { name, verdict } of results)
          line(`${mark(verdict ?? 'cancelled')} ${name} ${verdict ?? 'cancelled'}`)
      }
      if (job !== undefined) line(pc.dim(`log, console, timeline and artifacts: ${job.folder}`))
    },
    close: () => status.hide(),
  }
}

function keptLines({ greeting, until, inShell, debug, ssh }: ViewedKept): string[] {
  const way = inShell
    ? [pc.dim('`exit` leaves it and ends the machine; if it answers no more: Enter, ~ and .')]
    : [
        `It is kept until ${until}, or until Ctrl-C here or: ${debug} --end`,
        'To go in, from another terminal:',
        `  ${debug}`,
        `  ${ssh}`,
      ]
  return [`\nMayfly: ${greeting}`, ...way, '']
}

function phaseLine(phase: Phase, ms: number, details: readonly string[]): string {
  const time = formatDuration(ms).padStart(8)
  return `${pc.dim('·')} ${phase.padEnd(9)} ${time}${details.length === 0 ? '' : pc.dim(`  ${details.join('; ')}`)}`
}

/** Undefined where nothing went over the network, or nobody counted. */
function trafficLine(use: { netSent?: number | undefined; netReceived?: number | undefined } = {}) {
  const { netSent = 0, netReceived = 0 } = use
  if (netSent + netReceived === 0) return undefined
  return `network: ${formatSize(netSent)} sent, ${formatSize(netReceived)} received`
}

function mark(verdict: Verdict): string {
  if (verdict === 'passed') return pc.green('✔')
  return verdict === 'skipped' ? pc.dim('-') : pc.red('✘')
}
