// A shell in the machine of a job.
import { createLink } from './link.js'
import { createScreen } from './screen.js'

const place = document.querySelector('#terminal')
const state = document.querySelector('#link')
const why = document.querySelector('#why')
const left = document.querySelector('#left')
const leave = document.querySelector('#leave')
const another = document.querySelector('#another')
const { job } = place.dataset
let end = Date.parse(place.dataset.until)
let link

const words = {
  connecting: 'Connecting',
  open: 'Connected',
  away: 'The connection is broken: coming back to the same shell',
  ended: 'Ended',
}
const terminal = createScreen(place, { cursorBlink: true })

function open() {
  why.hidden = true
  another.hidden = true
  leave.hidden = false
  link = createLink({
    terminal,
    path: `/api/v1/jobs/${job}/terminal`,
    memory: `shell of ${job}`,
    onState: (name, about) => {
      state.textContent = words[name]
      place.dataset.state = name
      if (name === 'open') {
        end = Date.parse(about.until)
        terminal.focus()
      }
      if (name !== 'ended') return
      why.textContent = about.why
      why.hidden = false
      leave.hidden = true
      another.hidden = Date.now() >= end
      terminal.options.cursorBlink = false
    },
  })
}

function countDown() {
  const seconds = Math.max(0, Math.round((end - Date.now()) / 1000))
  const minutes = Math.floor(seconds / 60)
  left.textContent = seconds === 0 ? 'over' : `${minutes} min ${String(seconds % 60).padStart(2, '0')} s left`
}

leave.addEventListener('click', () => link.end())
another.addEventListener('click', () => {
  terminal.reset()
  open()
})
setInterval(countDown, 1_000)
countDown()
open()
