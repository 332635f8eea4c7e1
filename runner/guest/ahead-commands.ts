import { guestPaths } from './guest-paths.ts'
import { shellQuote } from './shell-quote.ts'

/** Unpacks the upload once its input ends: with `-X -`, tar first reads what to leave out, which is nothing. */
export function unpackAhead(workdir: string): string {
  return `exec tar -X - -xpf ${guestPaths.uploadTar} -C ${shellQuote(workdir)}`
}

/** Runs a step that is in place once its shell comes as a line of input. */
export function stepAhead(index: number): string {
  return `exec sh ${guestPaths.helper} ahead ${index}`
}
