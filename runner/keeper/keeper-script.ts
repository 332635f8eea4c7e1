/**
 * The keeper of one machine, run by `sh -c` between us and QEMU. It tells the pid of QEMU on standard output, waits for
 * its end and leaves that in a file; meanwhile it looks once a second whether the process that the lease names still
 * lives. Where it does not, QEMU is ended when the lease is over; at once where the lease is gone. QEMU dies with its
 * keeper (`setpriv --pdeathsig`), and so a machine is never without one of the two.
 *
 * Arguments: LOG LEASE EXIT COMMAND...; the lease is a line `PID START-TICKS GRACE UNTIL`: seconds after the loss of its
 * owner, and the second since the boot of this host that it does not outlive, or `-`.
 */
export const keeperScript = `
log=$1 lease=$2 exit=$3
shift 3
trap '' HUP INT
"$@" </dev/null >>"$log" 2>&1 &
qemu=$!
echo "$qemu"
exec >/dev/null 2>&1
is_alive() {
  read -r stat <"/proc/$1/stat" || return 1
  start=$2
  set -- \${stat##*) }
  [ "$1" != Z ] && [ "\${20}" = "$start" ]
}
watch() {
  trap 'kill "$pause"; exit' TERM
  lost=
  while :; do
    sleep 1 &
    pause=$!
    wait "$pause"
    read -r owner started grace until <"$lease" || break
    is_alive "$owner" "$started" && lost= && continue
    read -r now rest </proc/uptime
    now=\${now%%.*}
    lost=\${lost:-$now}
    [ "$((now - lost))" -lt "$grace" ] && { [ "$until" = - ] || [ "$now" -lt "$until" ]; } && continue
    break
  done
  kill -KILL "$qemu"
}
watch 3<&- &
watcher=$!
exec 3<&-
wait "$qemu"
code=$?
kill "$watcher"
echo "$code" >"$exit"
exit "$code"
`
