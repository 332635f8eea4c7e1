import type { Machine, MachineFacts } from '../machine/machine.ts'

type HandOver = {
  readonly machine: Machine
  /** What is true of it for its job. @defaultValue what it says itself */
  readonly facts?: MachineFacts
  /** Called once, when the machine is no more. */
  readonly onGone: () => void
}

/** A machine as it is given to its job, with what is true of it now, and with somebody who hears of its end. */
export function handOver({ machine, facts, onGone }: HandOver): Machine {
  let isGone = false
  const gone = () => {
    if (isGone) return
    isGone = true
    onGone()
  }
  void machine.ended.then(gone)
  return {
    id: machine.id,
    get facts() {
      return facts ?? machine.facts
    },
    get console() {
      return machine.console
    },
    ended: machine.ended,
    files: machine.files,
    get workdir() {
      return machine.workdir
    },
    prepare: (preparation, signal) => machine.prepare(preparation, signal),
    rehearse: (signal) => machine.rehearse(signal),
    upload: (tar, signal) => machine.upload(tar, signal),
    putFile: (path, content, mode, signal) => machine.putFile(path, content, mode, signal),
    exec: (command, signal) => machine.exec(command, signal),
    addSecrets: (secrets, signal) => machine.addSecrets(secrets, signal),
    forgetSecrets: (secrets, signal) => machine.forgetSecrets(secrets, signal),
    visit: (signal) => machine.visit(signal),
    park: (jobFolder, signal) => machine.park(jobFolder, signal),
    openConsole: (signal) => machine.openConsole(signal),
    writeLogin: () => machine.writeLogin(),
    outlive: (terms) => machine.outlive(terms),
    runStep: (step, signal) => machine.runStep(step, signal),
    ...(machine.keepSetup === undefined ? {} : { keepSetup: machine.keepSetup.bind(machine) }),
    ...(machine.dropSetup === undefined ? {} : { dropSetup: machine.dropSetup.bind(machine) }),
    traffic: () => machine.traffic(),
    use: () => machine.use(),
    destroy: async (how) => {
      try {
        return await machine.destroy(how)
      } finally {
        gone()
      }
    },
  }
}
