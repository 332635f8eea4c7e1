// A log of any length in one page: only a window of lines is in the document; scrolling to either end fetches the next
// ones and drops those far away. Follows the end while the job runs.
const pageLines = 500
const keptLines = 3_000
const edgePixels = 600

const log = document.querySelector('#log')
const lines = document.querySelector('#lines')
const follow = document.querySelector('#follow')
const { job, stream } = log.dataset
let first = Number(log.dataset.first)
let last = Number(log.dataset.last)
let busy = false
let more = document.querySelector('.log-edge:last-of-type') !== null && log.dataset.running !== 'true'

for (const edge of log.querySelectorAll('.log-edge')) edge.hidden = true

async function fetchLines(line, count) {
  const response = await fetch(`/jobs/${job}/lines?stream=${stream}&line=${line}&lines=${count}`)
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  const template = document.createElement('template')
  template.innerHTML = await response.text()
  return { items: template.content, more: response.headers.get('x-log-more') === 'true' }
}

async function later() {
  const got = await fetchLines(last + 1, pageLines)
  last += got.items.children.length
  more = got.more
  lines.append(got.items)
  while (lines.children.length > keptLines) {
    const height = lines.firstElementChild.getBoundingClientRect().height
    lines.firstElementChild.remove()
    if (!isFollowing()) log.scrollTop -= height
    first++
  }
}

async function earlier() {
  const from = Math.max(1, first - pageLines)
  const before = log.scrollHeight
  const got = await fetchLines(from, first - from)
  lines.prepend(got.items)
  first = from
  log.scrollTop += log.scrollHeight - before
  while (lines.children.length > keptLines) {
    lines.lastElementChild.remove()
    last--
    more = true
  }
}

// One fetch at a time; what fails is tried again by the next scroll.
function once(work) {
  if (busy) return
  busy = true
  work()
    .catch(() => undefined)
    .finally(() => {
      busy = false
    })
}

function isFollowing() {
  return follow?.checked === true && !document.querySelector('#follow-label').hidden
}

log.addEventListener('scroll', () => {
  if (log.scrollTop < edgePixels && first > 1) once(earlier)
  else if (more && log.scrollHeight - log.scrollTop - log.clientHeight < edgePixels) once(later)
})

log.addEventListener('keydown', (event) => {
  if (event.key === 'End' && follow !== null) follow.checked = true
})

if (location.hash.startsWith('#L')) document.querySelector(location.hash)?.scrollIntoView({ block: 'center' })

if (log.dataset.running === 'true') {
  const source = new EventSource(`/api/v1/jobs/${job}/${stream}/follow?start=${log.dataset.end}`)
  let grown = false
  source.addEventListener('log', () => {
    grown = true
  })
  source.addEventListener('end', (event) => {
    source.close()
    grown = true
    document.querySelector('#state').textContent = JSON.parse(event.data).state ?? ''
    setTimeout(() => location.reload(), 1_000)
  })
  setInterval(() => {
    if (!grown || !isFollowing()) return
    grown = false
    once(async () => {
      do await later()
      while (more)
      log.scrollTop = log.scrollHeight
    })
  }, 250)
  log.scrollTop = log.scrollHeight
}
