/** What a console line can say of a machine. */
export type ConsoleFindingKind =
  | 'root-not-found'
  | 'cpu-unsupported'
  | 'guest-oom'
  | 'guest-panic'
  | 'emergency-mode'
  | 'no-bootable-disk'
  | 'grub-rescue'
  | 'seed-not-read'
  | 'ssh-not-started'
  | 'disk-error'
  | 'task-hung'
  | 'guest-stalled'

export type ConsolePattern = {
  readonly kind: ConsoleFindingKind
  readonly pattern: RegExp
  /** What it means, to a reader of the job's log. */
  readonly sentence: string
  /** The way out. */
  readonly hint: string
}

/**
 * Matched on cleaned lines; the first that fits a line has it, so that a panic's reason comes before the panic.
 * A guest can print any of these: they explain a failure that was seen otherwise, they are none by themselves.
 */
export const consolePatterns: readonly ConsolePattern[] = [
  {
    kind: 'root-not-found',
    pattern:
      /VFS: (?:Cannot open root device|Unable to mount root fs)|Gave up waiting for (?:root|suspend)|ALERT!.* does not exist|dracut.*Could not boot/,
    sentence: 'the kernel did not find its root disk',
    hint: "check the image's disk bus (virtio, scsi or ide) and its kernel command line's root=",
  },
  {
    kind: 'cpu-unsupported',
    pattern: /CPU (?:does not support x86-64-v\d|ISA level is lower than required)/,
    sentence: 'the image needs a newer CPU than the machine has',
    hint: 'run it on a host with KVM, or choose an image for x86-64-v1',
  },
  {
    kind: 'guest-oom',
    pattern: /Out of memory: Kill(?:ed)? process|System is deadlocked on memory|Kernel panic.*Out of memory/,
    sentence: 'the guest ran out of memory',
    hint: 'give the job more with resources: { memory: ... }',
  },
  {
    kind: 'guest-panic',
    pattern: /Kernel panic - not syncing|^panic(?:\[cpu\d+\]| ?:|\(cpu )/,
    sentence: "the guest's kernel panicked",
    hint: 'read the console from here upwards',
  },
  {
    kind: 'emergency-mode',
    pattern:
      /You are in (?:emergency|rescue) mode|Entering emergency mode|Give root password for maintenance|^\(initramfs\)|^dracut:\/#|sulogin: /,
    sentence: 'the guest stopped in its emergency shell',
    hint: 'read which unit or mount failed above it; often a file system of /etc/fstab that is not there',
  },
  {
    kind: 'no-bootable-disk',
    pattern:
      /No bootable (?:device|option or device)|Boot failed: (?:not a bootable disk|could not read)|No Operating System found/i,
    sentence: 'the firmware found nothing to boot on the disk',
    hint: "check the image's firmware (bios or uefi) and verify the image",
  },
  {
    kind: 'grub-rescue',
    pattern: /^(?:Entering rescue mode|grub rescue>|grub>)/,
    sentence: 'the boot loader stopped at its prompt',
    hint: 'the image is damaged or its disk layout has changed: verify or pull it again',
  },
  {
    kind: 'seed-not-read',
    pattern: /DataSourceNone|Used fallback datasource/,
    sentence: 'the guest did not read the seed CD',
    hint: 'the image needs NoCloud among its data sources and a driver for the IDE CD drive',
  },
  {
    kind: 'ssh-not-started',
    pattern: /Failed to start .*(?:ssh\.service|sshd\.service|OpenBSD Secure Shell|OpenSSH)/i,
    sentence: 'the SSH server did not start in the guest',
    hint: 'check the sshd configuration of the image and of the user-data',
  },
  {
    kind: 'disk-error',
    pattern:
      /I\/O error, dev [a-z]+|EXT4-fs error|XFS \([^)]+\): .*[Cc]orruption|Remounting filesystem read-only/,
    sentence: 'the guest had errors on its disk',
    hint: "check the host's free disk space, then verify the image",
  },
  {
    kind: 'task-hung',
    pattern: /blocked for more than \d+ seconds/,
    sentence: 'a process in the guest waited for minutes without an answer',
    hint: 'what it waits for stands below it on the console; often a disk or a network file system',
  },
  {
    kind: 'guest-stalled',
    pattern: /soft lockup|rcu.*self-detected stall/,
    sentence: "the guest's CPU stood still for a while",
    hint: 'the host is overloaded: run fewer machines at a time',
  },
]
