import type { BaseCloudConfig, CloudConfig, LoginUser } from './cloud-config.ts'

/**
 * Puts our login back on top of a merged cloud-config: whatever the layers asked for, the runner's key opens
 * the login user's account, its sudo needs no password, and the host key is the one that the runner knows.
 */
export function protectLogin(merged: CloudConfig, base: BaseCloudConfig): CloudConfig {
  const keys = unique([...base.ssh_authorized_keys, ...list(merged.ssh_authorized_keys)])
  const { own, others } = sortUsers(list(merged.users), base.users[0])
  const rest = Object.entries(merged).filter(([key]) => !ours.has(key))
  const fixed = Object.entries(base).filter(([key]) => ours.has(key))
  return {
    ...Object.fromEntries([...rest, ...fixed]),
    ssh_authorized_keys: keys,
    users: [loginUser(base.users[0], own, keys), ...others],
    ...unexpired(merged.chpasswd),
    ...neededModules(merged.cloud_init_modules),
  }
}

/** Settings that are the base's alone; one that the base leaves out is left out. */
const ours = new Set(['ssh_pwauth', 'disable_root', 'ssh_deletekeys', 'ssh_genkeytypes', 'ssh_keys'])

type Settings = Readonly<Record<string, unknown>>

// `default` is the distribution's own login user, and that is who ours is.
function sortUsers(users: readonly unknown[], login: LoginUser): { own: Settings[]; others: unknown[] } {
  const own: Settings[] = []
  const others: unknown[] = []
  for (const user of users) {
    const settings = typeof user === 'string' ? { name: user } : (user as Settings)
    if (settings?.name === login.name || settings?.name === 'default') own.push(settings)
    else if (user) others.push(user)
  }
  return { own, others }
}

// Only what cannot lock out: no shell, no expiry, no password settings, no other home.
function loginUser(login: LoginUser, own: readonly Settings[], keys: readonly unknown[]): Settings {
  const asked = Object.assign({}, ...own) as Settings
  const harmless = Object.entries(asked).filter(([field]) => field === 'groups' || field === 'gecos')
  const added = own.flatMap((settings) => list(settings.ssh_authorized_keys))
  return { ...Object.fromEntries(harmless), ...login, ssh_authorized_keys: unique([...keys, ...added]) }
}

// An expired password makes sshd ask for a new one after the key was taken, and the login hangs.
function unexpired(chpasswd: unknown): Settings {
  return typeof chpasswd === 'object' && chpasswd !== null ? { chpasswd: { ...chpasswd, expire: false } } : {}
}

// A list of modules that leaves these out would boot a machine that nobody can enter.
function neededModules(modules: unknown): Settings {
  if (!Array.isArray(modules)) return {}
  const named = modules.map((entry) => String(Array.isArray(entry) ? entry[0] : entry).replaceAll('_', '-'))
  const missing = ['write-files', 'users-groups', 'ssh'].filter((name) => !named.includes(name))
  return { cloud_init_modules: [...modules, ...missing] }
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function unique(values: readonly unknown[]): unknown[] {
  return [...new Set(values)]
}
