import { guestPaths } from './guest-paths.ts'
import { shellQuote } from './shell-quote.ts'

/**
 * The helper script of the guest, run by `sh` since many guests mount /run with `noexec`. `step run INDEX OFFSET SHELL`
 * starts a step unless it was started before, and gives its output from a byte offset until it ends: the output of a
 * step is a file and its status another, so that neither depends on the connection that watches them. The last word on
 * standard error is the status: `exit CODE DISK-FREE-KIB`, or `gone` when the step's shell was killed before it could
 * leave one. As few programs as can be: under emulation each costs some 50 ms.
 * `step ahead INDEX` is a `run` from byte 0 whose session stands already and waits for SHELL as a line of input; it
 * comes to nothing when that does not come, or when the step was started otherwise.
 * `step stop INDEX` ends every process of the step's session, also those of root: TERM, and KILL after five seconds.
 */
export function stepHelper(workdir: string): string {
  return `#!/bin/sh
step=${guestPaths.jobFolder}/$2
out=${guestPaths.outputFolder}/$2.log
# With noclobber only one of several callers makes the file, and that takes no program.
begin() {
  set -C
  { true >"$step/started"; } 2>/dev/null
  begun=$?
  set +C
  return $begun
}
watch() {
  tries=0
  until [ -s "$1" ] || [ $tries = 1000 ]; do sleep 0.01; tries=$((tries + 1)); done
  read -r pid <"$1"
  tail -c "+$(($2 + 1))" -f --pid="$pid" -s 0.05 "$out"
  if [ -s "$step/exit" ]; then
    read -r code <"$step/exit"
    free=-
    [ "$code" = 0 ] || free=$(df -P -k ${shellQuote(workdir)} | awk 'NR == 2 { print $4 }')
    # A step may have removed the working directory, and df then says nothing of it.
    echo "exit $code \${free:--}" >&2
  else
    echo gone >&2
  fi
}
case $1 in
run)
  if begin; then
    : >"$out"
    setsid sh "$0" child "$2" "$4" </dev/null >>"$out" 2>&1 &
    echo $! >"$step/pid"
  fi
  watch "$step/pid" "$3"
  ;;
ahead)
  # That the session was ended by a signal is for its own status to say, not for this shell.
  exec 3>&1 4>&2 2>/dev/null
  {
    # Tail is started late, for it would poll while it waits.
    read -r shell && echo "$shell" && exec >&3 2>&4 && watch "$step/ahead" 0
  } | setsid sh "$0" child "$2" >>"$out" 2>&1 3>&- 4>&-
  ;;
child)
  if [ $# = 2 ]; then
    echo $$ >"$step/ahead"
    read -r shell && begin || exit
    exec </dev/null
    echo $$ >"$step/pid"
    set -- child "$2" "$shell"
  fi
  # What the job calls its variables must not be ours: from here on only the arguments are.
  set -- "$step" "$3"
  . ${guestPaths.env}
  [ -f ${guestPaths.secrets} ] && . ${guestPaths.secrets}
  MAYFLY_ENV=${guestPaths.envFile}
  export MAYFLY_ENV
  while IFS= read -r mayfly_line || [ -n "$mayfly_line" ]; do
    case \${mayfly_line%%=*} in
    "$mayfly_line" | '' | [0-9]* | *[!A-Za-z0-9_]*) echo "mayfly: expected KEY=value in \\$MAYFLY_ENV, got: $mayfly_line" ;;
    *) export "$mayfly_line" ;;
    esac
  done <"$MAYFLY_ENV"
  [ -f "$1/env" ] && . "$1/env"
  if cd ${shellQuote(workdir)}; then
    $2 "$1/script"
    code=$?
  else
    code=1
  fi
  echo "$code" >"$1/exit"
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
