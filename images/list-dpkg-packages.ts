/**
 * The installed packages of Debian's `/var/lib/dpkg/status`, one a line in the order of their names:
 * `name version architecture`.
 *
 * @see deb-control(5), dpkg-query(1)
 */
export function listDpkgPackages(status: string): string[] {
  return status
    .split(/\n{2,}/)
    .flatMap((paragraph) => {
      const field = (name: string) => new RegExp(`^${name}: *(.*)$`, 'm').exec(paragraph)?.[1]
      const [name, version, architecture] = [field('Package'), field('Version'), field('Architecture')]
      const isInstalled = field('Status')?.endsWith(' installed') === true
      return isInstalled && name && version && architecture ? [`${name} ${version} ${architecture}`] : []
    })
    .sort()
}
