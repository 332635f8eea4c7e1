import type { SeedSpec } from './seed-spec.ts'

/**
 * What an image with our own unit runs as root before sshd starts: host key, job key, hostname and, last, the nonce.
 * Built-ins only where that is possible: under emulation a fork costs 50 to 100 ms of the boot.
 * `MAYFLY_ROOT` is a folder to work in instead of `/`. Takes a spec that `checkSeedSpec` has passed.
 */
export function mayflyScript({ hostname, user, publicKey, hostKey, nonce }: SeedSpec): string {
  return `#!/bin/sh
set -eu
root=\${MAYFLY_ROOT:-}
host_key=$root/etc/ssh/ssh_host_ed25519_key
ssh=$root/home/${user}/.ssh

# A file that is already there would keep its mode.
if [ -e "$host_key" ] || [ -e "$ssh/authorized_keys" ]; then
  rm -f "$host_key" "$ssh/authorized_keys"
fi

umask 077
printf %s '${hostKey.privateKey}' >"$host_key"
[ -d "$ssh" ] || mkdir "$ssh"
printf '%s\\n' '${publicKey}' >"$ssh/authorized_keys"
chown -R ${user} "$ssh"

umask 022
printf '%s\\n' '${hostKey.publicKey}' >"$host_key.pub"
printf '%s\\n' ${hostname} >"$root/proc/sys/kernel/hostname"
printf '%s\\n' ${hostname} >"$root/etc/hostname"
hosts=
if [ -f "$root/etc/hosts" ]; then
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      127.0.1.1*) ;;
      *) hosts="$hosts$line
" ;;
    esac
  done <"$root/etc/hosts"
fi
printf '%s127.0.1.1 %s\\n' "$hosts" ${hostname} >"$root/etc/hosts"

[ -d "$root/run/mayfly" ] || mkdir "$root/run/mayfly"
printf '%s\\n' ${nonce} >"$root/run/mayfly/nonce"
`
}
