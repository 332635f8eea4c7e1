// The serial console of a job's machine: what was kept of it, masked, for all who may read; typed on by who may debug.
import { createLink } from './link.js'
import { createScreen } from './screen.js'

const place = document.querySelector('#terminal')
const state = document.querySelector('#link')
const why = document.querySelector('#why')
const write = document.querySelector('#type')
const leave = document.querySelector('#leave')
const { job, attempt, start } = place.dataset
let link

const terminal = createScreen(place, { convertEol: true, disableStdin: true, cursorInactiveStyle: 'none' })
// It is read by many, and from the past: a question to a terminal that is in it must not be answered by each.
const swallow = () => true
for (const final of ['c', 'n', 't']) {
  for (const prefix of ['', '?', '>', '=']) {
    terminal.parser.registerCsiHandler(prefix === '' ? { final } : { prefix, final }, swallow)
  }
}
terminal.parser.registerCsiHandler({ intermediates: '$', final: 'p' }, swallow)
terminal.parser.registerCsiHandler({ prefix: '?', intermediates: '$', final: 'p' }, swallow)
terminal.parser.registerDcsHandler({ intermediates: '$', final: 'q' }, swallow)
for (const code of [4, 10, 11, 12]) terminal.parser.registerOscHandler(code, swallow)

const source = new EventSource(`/api/v1/jobs/${job}/console/follow?attempt=${attempt}&start=${start}`)
source.addEventListener('open', () => {
  state.textContent = 'Live'
  place.dataset.state = 'open'
})
source.addEventListener('log', ({ data }) => terminal.write(JSON.parse(data).text))
source.addEventListener('end', () => {
  source.close()
  state.textContent = 'Nothing more will come'
  place.dataset.state = 'ended'
  link?.end()
  if (write !== null) write.hidden = true
})
source.addEventListener('error', () => {
  if (source.readyState === EventSource.CLOSED) {
    why.textContent = 'The console cannot be followed: load the page again.'
    why.hidden = false
  } else state.textContent = 'The connection is broken: coming back'
})

function stop(reason) {
  link = undefined
  terminal.options.disableStdin = true
  leave.hidden = true
  place.dataset.typing = 'no'
  if (place.dataset.state !== 'ended') write.hidden = false
  why.textContent = `Typing has ended: ${reason}`
  why.hidden = false
}

write?.addEventListener('click', () => {
  why.hidden = true
  write.hidden = true
  leave.hidden = false
  link = createLink({
    terminal,
    path: `/api/v1/jobs/${job}/console/type`,
    onState: (name, about) => {
      place.dataset.typing = name === 'open' ? 'yes' : name
      terminal.options.disableStdin = name !== 'open'
      if (name === 'open') terminal.focus()
      if (name === 'ended') stop(about.why)
    },
  })
})
leave?.addEventListener('click', () => link?.end())
