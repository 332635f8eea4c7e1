import { guestPaths, stepFolder } from './guest-paths.ts'
import { shellQuote } from './shell-quote.ts'

type HereScript = {
  /** Position of the step in the job, from 0. */
  readonly index: number
  readonly workdir: string
}

/**
 * Lines for a shell to source that give it the environment and the folder of a step, for a person who looks why that
 * step failed. What the steps before left in `$MAYFLY_ENV` is among it, as it is for the step; no secret is.
 */
export function hereScript({ index, workdir }: HereScript): string {
  const stepEnv = `${stepFolder(index)}/env`
  return `. ${guestPaths.env}
export MAYFLY_ENV=${guestPaths.envFile}
while IFS= read -r mayfly_line || [ -n "$mayfly_line" ]; do
  case \${mayfly_line%%=*} in
  "$mayfly_line" | '' | [0-9]* | *[!A-Za-z0-9_]*) ;;
  *) export "$mayfly_line" ;;
  esac
done <"$MAYFLY_ENV"
[ -f ${stepEnv} ] && . ${stepEnv}
cd ${shellQuote(workdir)}
`
}
