import type { BuildJob } from '../model/build.ts'
import type { KeptHold } from '../model/is-kept.ts'
import { Layout } from './layout.tsx'

type TerminalPage = { job: BuildJob & { readonly hold: KeptHold } }

/** A shell in the kept machine of a job. */
export function TerminalPage({ job: { id, name, hold } }: TerminalPage) {
  return (
    <Layout title={`Terminal of ${name}`} styles={['/assets/xterm.css']}>
      <p>
        <a href={`/jobs/${id}`}>Job {name}</a>
      </p>
      <h1>Terminal in the machine of {name}</h1>
      <div class="terminal-tools">
        <span role="status">
          <strong id="link">Connecting</strong>
        </span>
        <span>
          until <time datetime={hold.until}>{hold.until.slice(11, 16)} UTC</time>, <span id="left" />
        </span>
        <button type="button" id="copy" disabled>
          Copy
        </button>
        <button type="button" id="paste" hidden>
          Paste
        </button>
        <button type="button" id="leave">
          Close it
        </button>
        <button type="button" id="another" hidden>
          Open a new one
        </button>
      </div>
      <p id="why" class="why" role="alert" hidden />
      <div id="terminal" class="screen" data-job={id} data-until={hold.until} />
      <p class="dim">
        Recorded, as with SSH. Copy with Ctrl+Shift+C, paste with Ctrl+Shift+V, leave the terminal with
        Ctrl+Shift+X.
      </p>
      <noscript>
        <p class="problem">
          A terminal needs JavaScript. So much works without: <code>mayfly debug {id}</code>
        </p>
      </noscript>
      <script type="module" src="/assets/terminal.js" />
    </Layout>
  )
}
