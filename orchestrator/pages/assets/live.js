// Keeps a page that shows things in motion up to date: its main part is fetched again every few seconds while somebody
// looks, and put in place only when it changed. Focus and scroll stay where they are.
const everyMs = 2_000
const main = document.querySelector('#main')

async function refresh() {
  if (document.hidden || document.activeElement?.closest('form')) return
  const response = await fetch(location.href, { headers: { accept: 'text/html' } })
  if (!response.ok) return
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  const fresh = page.querySelector('#main')
  if (fresh && fresh.innerHTML !== main.innerHTML) main.innerHTML = fresh.innerHTML
}

setInterval(() => refresh().catch(() => undefined), everyMs)
