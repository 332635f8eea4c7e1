import ora from 'ora'

/** What is going on right now, with the seconds it has taken; only on a terminal, and gone when it is over. */
export type StatusLine = { show(text: string): void; hide(): void }

const tickMs = 100

export function createStatusLine(out: NodeJS.WriteStream, live: boolean): StatusLine {
  if (!live) return { show: () => undefined, hide: () => undefined }
  // Left alone, ora swallows Ctrl-C in order to hide what is typed.
  const spinner = ora({ stream: out, discardStdin: false, indent: 0 })
  let timer: NodeJS.Timeout | undefined
  return {
    show(text) {
      clearInterval(timer)
      const started = performance.now()
      const update = () => {
        spinner.text = `${text}  ${((performance.now() - started) / 1000).toFixed(1)} s`
      }
      update()
      spinner.start()
      timer = setInterval(update, tickMs)
    },
    hide() {
      clearInterval(timer)
      if (spinner.isSpinning) spinner.stop()
    },
  }
}
