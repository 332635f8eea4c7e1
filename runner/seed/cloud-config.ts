import type { KeyPair } from '../keys/key-pair.ts'

/** What a `#cloud-config` document holds. */
export type CloudConfig = Readonly<Record<string, unknown>>

/** Our own cloud-config, on which the login rests. */
export type BaseCloudConfig = CloudConfig & {
  readonly users: readonly [LoginUser]
  readonly ssh_authorized_keys: readonly string[]
}

export type LoginUser = {
  readonly name: string
  readonly ssh_authorized_keys: readonly string[]
  readonly [field: string]: unknown
}

type CloudConfigSpec = {
  readonly hostname: string
  readonly user: string
  /** The job's key, one line. */
  readonly publicKey: string
  /** The machine's own; undefined where it is already in place and cloud-init must keep its hands off. */
  readonly hostKey: KeyPair | undefined
  readonly nonce: string
}

/** The cloud-config that makes the login user, its key and the machine's host key. */
export function baseCloudConfig({
  hostname,
  user,
  publicKey,
  hostKey,
  nonce,
}: CloudConfigSpec): BaseCloudConfig {
  return {
    hostname,
    preserve_hostname: false,
    users: [
      {
        name: user,
        sudo: 'ALL=(ALL) NOPASSWD:ALL',
        shell: '/bin/bash',
        // To the sshd of our own image, which goes without PAM, a locked account is one that nobody enters again.
        lock_passwd: hostKey !== undefined,
        ssh_authorized_keys: [publicKey],
      },
    ],
    ssh_authorized_keys: [publicKey],
    ssh_pwauth: false,
    disable_root: true,
    ...hostKeyConfig(hostKey),
    package_update: false,
    package_upgrade: false,
    growpart: { mode: 'auto', devices: ['/'] },
    resize_rootfs: true,
    // cloud-init runs write_files before it makes users and keys, so whoever can log in can read the nonce.
    write_files: [{ path: '/run/mayfly/nonce', content: `${nonce}\n`, permissions: '0644' }],
  }
}

// Making RSA, ECDSA and ed25519 keys in the guest takes 9 s under emulation, and nobody would know them.
function hostKeyConfig(hostKey: KeyPair | undefined): CloudConfig {
  if (!hostKey) return { ssh_deletekeys: false, ssh_genkeytypes: ['ed25519'] }
  return {
    ssh_deletekeys: true,
    // Never reached beside ssh_keys; cloud-init's schema refuses an empty list.
    ssh_genkeytypes: ['ed25519'],
    ssh_keys: { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey },
  }
}
