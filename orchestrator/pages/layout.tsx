import type { Child } from 'hono/jsx'

type Layout = { title: string; children?: Child; live?: boolean; styles?: readonly string[] }

const places = [
  { path: '/', name: 'Builds' },
  { path: '/queue', name: 'Queue and hosts' },
  { path: '/deliveries', name: 'Deliveries' },
  { path: '/images', name: 'Images' },
] as const

/**
 * What is around every page. `live` reloads the page's main part when something it shows has changed; `styles` are
 * paths of more stylesheets.
 */
export function Layout({ title, children, live = false, styles = [] }: Layout) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} - Mayfly`}</title>
        <link rel="stylesheet" href="/assets/style.css" />
        {styles.map((path) => (
          <link rel="stylesheet" href={path} />
        ))}
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        {live ? <script type="module" src="/assets/live.js" /> : null}
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <header>
          <nav aria-label="Places">
            <a class="brand" href="/">
              Mayfly
            </a>
            {places.map(({ path, name }) => (
              <a href={path}>{name}</a>
            ))}
          </nav>
        </header>
        <main id="main">{children}</main>
      </body>
    </html>
  )
}
