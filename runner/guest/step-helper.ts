import { guestPaths } from './guest-paths.ts'
import { shellQuote } from './shell-quote.ts'

/**
 * The helper script of the guest, run by `sh` since many guests mount /run with `noexec`. `step run INDEX OFFSET SHELL`
 * starts a step unless it was started before, and gives its output from a byte offset until it ends: the output of a
 * step is a file and its status another, so that neither depends on the connection that watches them. The last word on
 * standard error is the status: `exit CODE DISK-FREE-KIB`, or `gone` when the step's shell was killed before it could
 * leave one. As few programs as can be: under emulation each costs some 50 ms.
 * `step stop INDEX` ends every process of the step's session, also those of root: TERM, and KILL after five seconds.
 */
export function stepHelper(workdir: string): string {
  return `#!/bin/sh
step=${guestPaths.jobFolder}/$2
out=${guestPaths.outputFolder}/$2.log
case $1 in
run)
  # With noclobber only one of several callers makes the file, and that takes no program.
  set -C
  if true >"$step/started"; then
    set +C
    : >"$out"
    setsid sh "$0" child "$2" - "$4" </dev/null >>"$out" 2>&1 &
    echo $! >"$step/pid"
  fi 2>/dev/null
  tries=0
  until [ -s "$step/pid" ] || [ $tries = 1000 ]; do sleep 0.01; tries=$((tries + 1)); done
  read -r pid <"$step/pid"
  tail -c "+$(($3 + 1))" -f --pid="$pid" -s 0.05 "$out"
  if [ -s "$step/exit" ]; then
    read -r code <"$step/exit"
    free=-
    [ "$code" = 0 ] || free=$(df -P -k ${shellQuote(workdir)} | awk 'NR == 2 { print $4 }')
    # A step may have removed the working directory, and df then says nothing of it.
    echo "exit $code \${free:--}" >&2
  else
    echo gone >&2
  fi
  ;;
child)
  . ${guestPaths.env}
  [ -f ${guestPaths.secrets} ] && . ${guestPaths.secrets}
  MAYFLY_ENV=${guestPaths.envFile}
  export MAYFLY_ENV
  while IFS= read -r line || [ -n "$line" ]; do
    case \${line%%=*} in
    "$line" | '' | [0-9]* | *[!A-Za-z0-9_]*) echo "mayfly: expected KEY=value in \\$MAYFLY_ENV, got: $line" ;;
    *) export "$line" ;;
    esac
  done <"$MAYFLY_ENV"
  [ -f "$step/env" ] && . "$step/env"
  if cd ${shellQuote(workdir)}; then
    $4 "$step/script"
    code=$?
  else
    code=1
  fi
  echo "$code" >"$step/exit"
  ;;
stop)
  read -r pid <"$step/pid"
  sudo -n pkill -TERM -s "$pid"
  tries=0
  while pgrep -s "$pid" >/dev/null && [ $tries != 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  sudo -n pkill -KILL -s "$pid"
  ;;
esac
`
}
