// Takes processor time and memory as it is told on standard input, and says when it has.
const held: Buffer[] = []

process.stdin.on('data', (line: Buffer) => {
  const [what, amount] = line.toString().trim().split(' ')
  if (what === 'hold') held.push(Buffer.alloc(Number(amount), 1))
  if (what === 'drop') held.length = 0
  if (what === 'compute') {
    const until = process.cpuUsage().user + Number(amount) * 1000
    while (process.cpuUsage().user < until);
  }
  process.stdout.write('done\n')
})
