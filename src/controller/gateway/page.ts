/** What a sign-in link opens: it exchanges the secret in the fragment, which no server and no log gets to see. */
export const signInPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Blazon</title>
<link rel="icon" href="/icon.svg">
<script src="/sign-in.js" defer></script>
<h1>Blazon</h1>
<p id="state" role="status">…</p>
<p><button id="sign-out" hidden>Sign out</button></p>
</html>
`

/** Without one browsers ask for /favicon.ico, and report that there is none. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
<path d="M2 1h12v7c0 4-3 6-6 7-3-1-6-3-6-7z" fill="#1d4ed8"/>
</svg>
`

export const signInScript = `'use strict'
const state = document.getElementById('state')
const signOut = document.getElementById('sign-out')
const post = (path, body) =>
  fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
const show = async (answer) => {
  const body = await answer.json()
  signOut.hidden = !answer.ok
  state.textContent = answer.ok
    ? 'Signed in as ' + body.name + ', ' + body.role + '.'
    : body.message + (answer.status === 401 ? ' \`blazon console\` prints a link.' : '')
}
const begin = async () => {
  const secret = /^#sign-in=([\\w-]+)$/.exec(location.hash)?.[1]
  history.replaceState(null, '', '/')
  await show(await (secret === undefined ? post('/api/v1/session', {}) : post('/api/v1/sign-in', { secret })))
}
signOut.addEventListener('click', async () => {
  const answer = await post('/api/v1/sign-out', {}).catch(() => undefined)
  if (answer?.ok !== true) {
    state.textContent = 'Not signed out: the controller did not answer. Try again.'
    return
  }
  state.textContent = 'Signed out.'
  signOut.hidden = true
})
begin().catch(() => {
  state.textContent = 'The controller did not answer. Reload the page to try again.'
})
`
