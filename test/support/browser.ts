import { spawnSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser } from 'playwright-core'

const ensure = fileURLToPath(new URL('../../scripts/ensure-programs.mjs', import.meta.url))

/** Where Chromium is on this machine, or why it is nowhere; `npm test` installs it where it may. */
export function findChromium(): { readonly path: string } | { readonly missing: string } {
  const found = spawnSync(process.execPath, [ensure, '--json', '--find-only', 'chromium'], {
    encoding: 'utf8',
  })
  if (found.status !== 0) return { missing: found.stderr.trim() }
  const { chromium: path } = JSON.parse(found.stdout) as { readonly chromium: string }
  return { path }
}

/** A browser that trusts what one root has signed and finds loopback alone. Who opens it closes it. */
export function openBrowser(path: string, root: Buffer): Promise<Browser> {
  const spki = new X509Certificate(root).publicKey.export({ type: 'spki', format: 'der' })
  const pin = createHash('sha256').update(spki).digest('base64')
  return chromium.launch({
    executablePath: path,
    // As root, which tests of namespaces need, it has no sandbox of its own.
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      `--ignore-certificate-errors-spki-list=${pin}`,
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
    ],
  })
}
