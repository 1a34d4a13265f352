import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Browser, BrowserContext, Page, Response } from 'playwright-core'
import { findChromium, openBrowser } from '../support/browser.ts'
import { bearer, startOidcIssuer, type TestOidcIssuer } from '../support/oidc-issuer.ts'
import { startTestController, type TestController } from '../support/test-controller.ts'

const gateway = {
  listen: { host: '127.0.0.1', port: 0 },
  origins: [],
  certificate: undefined,
  plainHttp: false,
}

/** A page of somebody else, at an origin of its own. */
async function startForeignPage(html: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(html)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

// What runs in the browser is text: its types are none of this program.

const postInEveryWay = (url: string): string => `(async () => {
  const ends = []
  for (const attempt of [
    { headers: { 'content-type': 'application/json' } },
    { headers: { 'content-type': 'text/plain' } },
    { mode: 'no-cors' },
  ]) {
    const sent = fetch('${url}', { method: 'POST', credentials: 'include', body: '{}', ...attempt })
    ends.push(await sent.then(({ type }) => type, () => 'failed'))
  }
  return ends
})()`

const breakOut = (elsewhere: string): string => `(async () => {
  const directives = []
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
    directives.push(effectiveDirective)
  })
  const script = document.createElement('script')
  script.textContent = 'document.title = "injected"'
  document.body.append(script)
  await fetch('${elsewhere}').catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 0))
  return { directives, title: document.title }
})()`

describe('gateway: the sign-in page in a browser', function () {
  this.timeout(60_000)

  let issuer: TestOidcIssuer
  let mesh: TestController
  let browser: Browser
  let context: BrowserContext
  let page: Page
  /** What the page complained about. */
  let complaints: string[]

  before(async function () {
    const found = findChromium()
    if ('missing' in found) {
      process.stderr.write(`    skipped: ${found.missing}\n`)
      this.skip()
    }
    issuer = await startOidcIssuer()
    mesh = await startTestController({ config: { gateway, oidc: issuer.config() } })
    browser = await openBrowser(found.path, mesh.root)
  })
  after(async () => {
    // Nothing of it is there where the tests were skipped.
    await (browser as Browser | undefined)?.close()
    await (mesh as TestController | undefined)?.[Symbol.asyncDispose]()
    await (issuer as TestOidcIssuer | undefined)?.[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    context = await browser.newContext()
    page = await context.newPage()
    complaints = []
    page.on('console', (message) => {
      if (message.type() !== 'log') complaints.push(message.text())
    })
    page.on('pageerror', (error) => {
      complaints.push(error.message)
    })
  })
  afterEach(() => (context as BrowserContext | undefined)?.close())

  const origin = (): string => `https://localhost:${String(mesh.controller.gatewayAddress?.port)}`

  /** The link that `blazon console` prints for somebody whom the issuer vouches for. */
  const linkOf = async (groups: readonly string[]): Promise<string> => {
    const metadata = bearer(await issuer.token({ groups }))
    return (await mesh.connect().call('CreateSignInLink', {}, metadata)).url
  }

  const state = (): ReturnType<Page['locator']> => page.locator('#state')
  const shows = (text: string | RegExp): Promise<void> =>
    state().filter({ hasText: text }).waitFor({ timeout: 10_000 })

  it('signs in by a link, says who that is, and signs out', async () => {
    await page.goto(await linkOf(['ops']))
    await shows(/^Signed in as grace@acme\.example \(127\.0\.0\.1:\d+\), admin\.$/)
    expect(page.url(), 'the secret has left the address').to.equal(`${origin()}/`)
    const [cookie, ...others] = await context.cookies()
    expect(others).to.deep.equal([])
    expect(cookie).to.deep.include({
      name: '__Host-blazon-session',
      httpOnly: true,
      secure: true,
      sameSite: 'Strict',
    })
    await page.reload()
    await shows(/^Signed in as grace@acme\.example \(127\.0\.0\.1:\d+\), admin\.$/)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await shows('Signed out.')
    expect(await page.locator('#sign-out').isVisible()).to.equal(false)
    expect(await context.cookies()).to.deep.equal([])
    expect(complaints).to.deep.equal([])
    await page.reload()
    await shows('you are not signed in')
  })

  it('does not say that somebody is signed out who is not', async () => {
    await page.goto(await linkOf(['ops']))
    await shows('Signed in as')
    await page.route('**/api/v1/sign-out', (route) => route.abort())
    await page.getByRole('button', { name: 'Sign out' }).click()
    await shows('Not signed out')
    await page.unroute('**/api/v1/sign-out')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await shows('Signed out.')
  })

  it('takes a link once, and says so', async () => {
    const link = await linkOf(['staff'])
    await page.goto(link)
    await shows(/^Signed in as grace@acme\.example \(127\.0\.0\.1:\d+\), viewer\.$/)
    const other = await browser.newContext()
    const second = await other.newPage()
    await second.goto(link)
    await second.getByText('this sign-in link was used before').waitFor()
    await other.close()
  })

  it('is not moved by the page of another site', async () => {
    await page.goto(await linkOf(['ops']))
    await shows('Signed in as')
    const target = `${origin()}/api/v1/sign-out`
    await using foreign = await startForeignPage(
      `<form method="post" action="${target}" enctype="text/plain"><input name="a" value="b"></form>`,
    )
    const attacker = await context.newPage()
    const answers: Response[] = []
    attacker.on('response', (response) => {
      if (response.url().startsWith(origin())) answers.push(response)
    })
    await attacker.goto(foreign.url)
    const outcomes = await attacker.evaluate(postInEveryWay(target))
    expect(outcomes).to.deep.equal(['failed', 'failed', 'failed'])
    await Promise.all([
      attacker.waitForURL(target),
      attacker.evaluate('document.forms[0].submit()'),
    ])
    expect(answers.length).to.be.greaterThan(0)
    expect(answers.every((answer) => answer.status() >= 400)).to.equal(true)
    await page.reload()
    await shows(/^Signed in as grace@acme\.example \(127\.0\.0\.1:\d+\), admin\.$/)
  })

  it('cannot be framed', async () => {
    await using foreign = await startForeignPage(`<iframe src="${origin()}/"></iframe>`)
    await page.goto(foreign.url)
    const frame = page.frames().find((one) => one !== page.mainFrame())
    expect(frame?.url()).to.not.equal(`${origin()}/`)
    expect(complaints.join('\n')).to.match(/frame-ancestors|X-Frame-Options/)
  })

  it('runs no script and reaches no address but its own', async () => {
    await page.goto(await linkOf(['ops']))
    await shows('Signed in as')
    expect(complaints).to.deep.equal([])
    await using foreign = await startForeignPage('')
    const violated = await page.evaluate<{ directives: string[]; title: string }>(
      breakOut(foreign.url),
    )
    expect(violated.directives).to.have.members(['script-src-elem', 'connect-src'])
    expect(violated.title).to.equal('Blazon')
  })
})
