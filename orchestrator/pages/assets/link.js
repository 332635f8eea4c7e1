// The WebSocket between a terminal and its machine; its messages are in docs/debug.md. After a broken connection it comes
// back to the same shell, for as long as the server keeps that.
const keptMs = 60_000
const firstTries = 3
// The server says something at least every 15 s.
const silenceMs = 40_000
const untakenBytes = 32 * 1024
const frameBytes = 8 * 1024
const ackBytes = 16 * 1024

/**
 * @param terminal of xterm; what is typed in it is sent, what comes is shown
 * @param path of the WebSocket
 * @param memory key under which the shell is found after a reload; none where it need not be
 * @param onState called with `connecting`, `open`, `away` or `ended`, and with what is known of it
 */
export function createLink({ terminal, path, memory, onState }) {
  const encoder = new TextEncoder()
  let socket
  let id = memory === undefined ? undefined : (sessionStorage.getItem(memory) ?? undefined)
  let wasOpen = false
  let isOver = false
  let tries = 0
  let awaySince
  let heard = Date.now()
  let retry
  // Offsets of the output: what came, what was shown, what of that was told, and up to where nobody is to answer it.
  let received = 0
  let shown = 0
  let told = 0
  let replayed = 0
  let waiting = []
  let sent = 0
  let taken = 0

  const say = (message) => socket.send(JSON.stringify(message))
  const size = () => ({ cols: terminal.cols, rows: terminal.rows })
  const isOpen = () => !isOver && wasOpen && awaySince === undefined && socket.readyState === WebSocket.OPEN

  function finish(why) {
    isOver = true
    for (const listener of listeners) listener.dispose()
    removeEventListener('online', again)
    clearInterval(watch)
    clearTimeout(retry)
    if (memory !== undefined) sessionStorage.removeItem(memory)
    onState('ended', { why })
  }

  function connect() {
    clearTimeout(retry)
    const next = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`)
    next.binaryType = 'arraybuffer'
    socket = next
    heard = Date.now()
    next.onopen = () =>
      say(id === undefined ? { type: 'open', ...size() } : { type: 'resume', id, at: received, ...size() })
    next.onmessage = ({ data }) => {
      if (socket !== next) return
      heard = Date.now()
      if (typeof data === 'string') hear(JSON.parse(data))
      else show(new Uint8Array(data))
    }
    next.onclose = () => {
      if (socket === next) lose()
    }
  }

  function lose() {
    if (isOver) return
    tries += 1
    if (!wasOpen && tries >= firstTries)
      return finish('the server lets no connection through: log in again, and see its proxy')
    if (wasOpen) awaySince ??= Date.now()
    if (awaySince !== undefined && Date.now() - awaySince > keptMs)
      return finish('the connection was away for too long')
    onState(wasOpen ? 'away' : 'connecting', {})
    retry = setTimeout(connect, Math.min(250 * 2 ** tries, 4_000))
  }

  function hear(message) {
    switch (message.type) {
      case 'opened':
        id = message.id
        wasOpen = true
        awaySince = undefined
        tries = 0
        sent = 0
        taken = 0
        waiting = []
        // What was forgotten on the way is not to be waited for.
        received = message.from
        shown = message.from
        told = message.from
        replayed = message.to
        if (memory !== undefined) sessionStorage.setItem(memory, id)
        say({ type: 'resize', ...size() })
        return onState('open', message)
      case 'gone':
        if (wasOpen) return finish('it was ended while the connection was away')
        id = undefined
        received = 0
        return say({ type: 'open', ...size() })
      case 'typed':
        taken = message.at
        return send()
      case 'ended':
        return finish(message.why)
    }
  }

  function show(bytes) {
    received += bytes.length
    const at = received
    const from = socket
    terminal.write(bytes, () => {
      if (from !== socket) return
      shown = at
      if (shown - told < ackBytes && shown < received) return
      told = shown
      if (socket.readyState === WebSocket.OPEN) say({ type: 'shown', at: shown })
    })
  }

  function send() {
    while (waiting.length > 0 && sent - taken < untakenBytes) {
      const chunk = waiting.shift()
      sent += chunk.length
      socket.send(chunk)
    }
  }

  function type(bytes) {
    // An answer to what a program asked before this page was there would be typed into another program.
    if (!isOpen() || shown < replayed) return
    for (let at = 0; at < bytes.length; at += frameBytes) waiting.push(bytes.slice(at, at + frameBytes))
    send()
  }

  const listeners = [
    terminal.onData((text) => type(encoder.encode(text))),
    terminal.onBinary((text) => type(Uint8Array.from(text, (char) => char.charCodeAt(0)))),
    terminal.onResize(() => isOpen() && say({ type: 'resize', ...size() })),
  ]
  const watch = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN || Date.now() - heard < silenceMs) return
    // Its own `close` may take minutes where nobody answers.
    const dead = socket
    socket = undefined
    dead.close()
    lose()
  }, 5_000)
  const again = () => {
    if (awaySince !== undefined && socket?.readyState !== WebSocket.CONNECTING && !isOpen()) connect()
  }
  addEventListener('online', again)
  onState('connecting', {})
  connect()

  return {
    end() {
      if (isOver) return
      if (isOpen()) say({ type: 'end' })
      else finish('it was closed')
    },
  }
}
