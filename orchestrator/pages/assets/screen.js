// A terminal as wide as its place in the page, in the colours of the page, with what is marked to be copied.
import { FitAddon } from '/assets/addon-fit.js'
import { Terminal } from '/assets/xterm.js'

const dark = {
  background: '#16181c',
  foreground: '#e6e8eb',
  cursor: '#e6e8eb',
  selectionBackground: '#3d5a80',
}
const light = {
  background: '#ffffff',
  foreground: '#1b1d21',
  cursor: '#1b1d21',
  selectionBackground: '#b3d4fc',
}
const isDark = matchMedia('(prefers-color-scheme: dark)')
const lines = 10_000

/** @param place the element that it fills */
export function createScreen(place, options = {}) {
  const terminal = new Terminal({
    ...{ scrollback: lines, fontSize: 14, fontFamily: 'ui-monospace, monospace', minimumContrastRatio: 4.5 },
    // What a guest says may be broken; that is no error of the page.
    ...{ theme: isDark.matches ? dark : light, logLevel: 'off', ...options },
  })
  // A guest could have a link say one place and lead to another.
  terminal.parser.registerOscHandler(8, () => true)
  const fit = new FitAddon()
  terminal.loadAddon(fit)
  terminal.open(place)
  fit.fit()
  isDark.addEventListener('change', () => {
    terminal.options.theme = isDark.matches ? dark : light
  })
  new ResizeObserver(() => fit.fit()).observe(place)

  const copyButton = document.querySelector('#copy')
  const pasteButton = document.querySelector('#paste')
  const copy = async () => {
    const text = terminal.getSelection()
    if (text === '') return
    await copyText(text)
    copyButton.textContent = 'Copied'
    setTimeout(() => {
      copyButton.textContent = 'Copy'
    }, 1500)
    terminal.focus()
  }
  copyButton.addEventListener('click', () => copy().catch(() => undefined))
  terminal.onSelectionChange(() => {
    copyButton.disabled = !terminal.hasSelection()
  })
  // Over plain HTTP a browser gives nobody its clipboard; its own menu and shortcut still paste.
  if (pasteButton !== null && navigator.clipboard?.readText !== undefined) {
    pasteButton.hidden = false
    pasteButton.addEventListener('click', async () => {
      terminal.paste(await navigator.clipboard.readText().catch(() => ''))
      terminal.focus()
    })
  }
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey) return true
    if (event.code === 'KeyC') {
      event.preventDefault()
      copy().catch(() => undefined)
      return false
    }
    // The way out for whoever has no mouse: the terminal takes every other key.
    if (event.code === 'KeyX') {
      event.preventDefault()
      document.querySelector('#leave').focus()
      return false
    }
    return true
  })
  return terminal
}

async function copyText(text) {
  if (navigator.clipboard?.writeText !== undefined) return await navigator.clipboard.writeText(text)
  const field = document.createElement('textarea')
  field.value = text
  document.body.append(field)
  field.select()
  document.execCommand('copy')
  field.remove()
}
