import { createTerminalText } from '../command/view/terminal-text.ts'

/** Colours stay, whatever else a terminal would obey goes; what a progress display wrote over is gone, too. */
export function visibleText(line: string): string {
  const last = line.replace(/\r+$/, '')
  return createTerminalText().push(Buffer.from(last.slice(last.lastIndexOf('\r') + 1)))
}
