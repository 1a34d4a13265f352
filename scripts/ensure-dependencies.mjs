// Installs the locked npm dependencies when node_modules does not match package-lock.json, and finds
// the pinned Node runtime among them. Plain JavaScript: it runs on any Node from 20 on, before anything
// is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = `${root}node_modules/.blazon-lock`

export function ensureDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(`${root}package-lock.json`))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  console.error('installing dependencies (npm ci) ...')
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (npm.status !== 0) {
    console.error('error: npm ci failed; its messages are above')
    process.exit(1)
  }
  writeFileSync(stamp, lock)
}

/** The Node binary that runs the project: this one if it is new enough, else the one npm installed. */
export function pinnedNode() {
  const wanted = Number(
    JSON.parse(readFileSync(`${root}package.json`, 'utf8')).engines.node.match(/\d+/)[0],
  )
  if (Number(process.versions.node.split('.')[0]) >= wanted) return process.execPath
  const pinned = `${root}node_modules/node-${process.platform}-${process.arch}/bin/node`
  if (existsSync(pinned)) return pinned
  console.error(`error: Blazon needs Node ${wanted}, this is ${process.versions.node}`)
  console.error(
    `hint: no packaged runtime exists for ${process.platform}-${process.arch}; install Node ${wanted} and try again`,
  )
  process.exit(1)
}
