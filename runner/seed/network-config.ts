/**
 * Network configuration, version 2: DHCP on each card, found by its MAC address, for only netplan understands
 * a pattern of names and Rocky and Alma have no netplan. Without cards cloud-init leaves the network alone.
 *
 * @see https://cloudinit.readthedocs.io/en/latest/reference/network-config-format-v2.html
 */
export function networkConfig(macs: readonly string[]): string {
  if (macs.length === 0) return 'config: disabled\n'
  const cards = macs.flatMap((mac, index) => [
    `  eth${index}:`,
    `    match: { macaddress: "${mac}" }`,
    `    set-name: eth${index}`,
    '    dhcp4: true',
    '    dhcp6: false',
  ])
  return `${['version: 2', 'ethernets:', ...cards].join('\n')}\n`
}
