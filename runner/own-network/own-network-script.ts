/**
 * Runs a command in a network of its own, by `sh -c`. What the command sends leaves through slirp4netns, which stays in
 * this host's network and ends with the command; the routes inside say what it never gets to see. IPv6 is off. The
 * command has no capability left with which it could change any of that.
 *
 * There are two of slirp4netns: by the card `way-out` go the command's own connections and its questions for names, by
 * `way-in` whoever comes in from this host, and nothing can leave there. So the counters of the first are the command's
 * traffic alone; see `readOwnTraffic`.
 *
 * Arguments: FOLDER USER ROUTES COMMAND...; FOLDER is for pipes, sockets and the log of slirp4netns; USER is `as-root`,
 * `as-user`, or `as-root-once` for a command that gives its capabilities up itself; ROUTES are lines for `ip -batch`.
 *
 * The pipes keep the order: slirp4netns waits for the namespace, the command for slirp4netns, and `held` is open as
 * long as the command runs. Which end opens first matters, for opening one waits for the other.
 */
export const ownNetworkScript = `
set -eu
export PATH="$PATH:/usr/sbin:/sbin"
folder=$1 user=$2 routes=$3
shift 3
mkfifo -m 600 "$folder/net-entered" "$folder/net-out" "$folder/net-in" "$folder/net-held"
echo 'nameserver 198.18.0.3' >"$folder/resolv.conf"
serve() {
  card=$1 ready=$2
  shift 2
  exec slirp4netns --mtu=65520 --disable-host-loopback --enable-sandbox --enable-seccomp \\
    --ready-fd=8 --exit-fd=9 "$@" "$$" "$card" 9<"$folder/net-held" 8>"$folder/$ready"
}
(
  (
    timeout 30 cat "$folder/net-entered"
    serve way-out net-out --configure --cidr=198.18.0.0/24 &
    serve way-in net-in --disable-dns --cidr=198.18.1.0/24 --api-socket="$folder/net.sock"
  ) >"$folder/net.log" 2>&1 3<&- &
)
own='--net --mount'
[ "$user" != as-user ] || own="--user --map-root-user $own"
exec unshare $own -- sh -euc '
folder=$1 user=$2 routes=$3
shift 3
mount --bind "$folder/resolv.conf" /etc/resolv.conf
for card in all default; do echo 1 >/proc/sys/net/ipv6/conf/$card/disable_ipv6; done
echo "$routes" | ip -batch -
: >"$folder/net-entered"
exec 9>"$folder/net-held"
for pipe in net-out net-in; do
  read -r ready <"$folder/$pipe" || [ -n "$ready" ] || { cat "$folder/net.log" >&2; exit 1; }
done
ip -batch - <<CARD
addr add 198.18.1.100/32 dev way-in
link set way-in up mtu 65520
route add 198.18.1.2/32 dev way-in
route add prohibit 198.18.1.0/24
CARD
[ "$user" = as-root-once ] || set -- setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
exec "$@"
' own-network "$folder" "$user" "$routes" "$@"
`
