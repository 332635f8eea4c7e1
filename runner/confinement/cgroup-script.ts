/**
 * Runs a command in a control group of its own (cgroup v2), by `sh -c`: its pid is that of what was started. Says on
 * standard output where that is, as `in PATH: CONTROLLERS`, or `none: REASON` and runs nothing.
 *
 * As root the groups lie in `mayfly` at the top, beside what systemd looks after; as anybody else below the group that
 * this process was given, where it was (`Delegate=yes`).
 *
 * Arguments: NAME MEMORY CPU TASKS COMMAND...; MEMORY is bytes, CPU hundredths of a processor, TASKS threads.
 */
export const cgroupScript = `
name=$1 memory=$2 cpu=$3 tasks=$4
shift 4
none() { echo "none: $1"; exit 1; }
# A group that has processes of its own cannot hand controllers on (cgroups(7), "no internal processes").
hand_on() {
  for controller in memory cpu pids io; do
    echo "+$controller" >"$1/cgroup.subtree_control"
  done 2>/dev/null
  read -r handed <"$1/cgroup.subtree_control"
  for controller in memory cpu pids; do
    case " $handed " in *" $controller "*) ;; *) return 1 ;; esac
  done
}
top=
while read -r _ _ _ _ point rest; do
  case " $rest " in *" - cgroup2 "*) top=$point; break ;; esac
done </proc/self/mountinfo
[ "$top" ] || none 'no cgroup v2 is mounted'
read -r known <"$top/cgroup.controllers"
for controller in memory cpu pids; do
  case " $known " in *" $controller "*) ;; *) none "cgroup v2 has no controller $controller here" ;; esac
done
if [ "$(id -u)" = 0 ]; then
  parent=$top/mayfly
  mkdir -p "$parent" 2>/dev/null || none "no group can be made in $top"
  hand_on "$top" || none "the controllers of $top are not handed on"
else
  own=
  while IFS=: read -r number _ path; do
    [ "$number" = 0 ] && own=$path
  done </proc/self/cgroup
  parent=$top\${own%/*}
  [ "$own" != / ] && [ -w "$parent/cgroup.subtree_control" ] || none "no group was delegated to this user"
fi
hand_on "$parent" || none "the controllers of $parent are not handed on"
group=$parent/$name
mkdir "$group" 2>/dev/null || none "$group cannot be made"
{
  echo "$memory" >"$group/memory.max" &&
    echo 1 >"$group/memory.oom.group" &&
    echo "$((cpu * 1000)) 100000" >"$group/cpu.max" &&
    echo "$tasks" >"$group/pids.max" &&
    echo $$ >"$group/cgroup.procs"
} 2>/dev/null || {
  rmdir "$group"
  none "$group takes no limits"
}
read -r controllers <"$group/cgroup.controllers"
echo "in $group: $controllers"
exec "$@"
`
