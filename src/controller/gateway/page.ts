/** What a sign-in link opens: it exchanges the secret in the fragment, which no server and no log gets to see. */
export const signInPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Blazon</title>
<script src="/sign-in.js" defer></script>
<h1>Blazon</h1>
<p id="state" role="status">…</p>
<p><button id="sign-out" hidden>Sign out</button></p>
</html>
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
  await post('/api/v1/sign-out', {})
  state.textContent = 'Signed out.'
  signOut.hidden = true
})
void begin()
`
