#!/usr/bin/env node
// Starts `blazon`. Plain JavaScript that any Node from 20 on can read: where the present one is too
// old for the program, the runtime that the package brings along takes over.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const neededMajor = 26
const root = fileURLToPath(new URL('..', import.meta.url))
/** What is shipped is bundled (`npm run build`); in a clone it need not be. */
const bundle = join(root, 'dist', 'blazon.mjs')
const program =
  existsSync(bundle) && !isOutdated() ? bundle : join(root, 'src', 'main', 'blazon.ts')
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']

/**
 * Whether what the bundle was made of has changed since. Nobody edits what is shipped, so that only a
 * clone is looked through, which takes some milliseconds.
 */
function isOutdated() {
  if (!existsSync(join(root, '.git'))) return false
  const { mtimeMs } = statSync(bundle)
  const isNewer = (path) => statSync(path).mtimeMs > mtimeMs
  // Folders too: theirs changes when a file is removed.
  const hasNewer = (folder) =>
    isNewer(folder) ||
    readdirSync(folder, { withFileTypes: true }).some((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? hasNewer(path) : isNewer(path)
    })
  return isNewer(join(root, 'package-lock.json')) || hasNewer(join(root, 'src'))
}

/** The pinned runtime of this machine's kind, or undefined where npm has not installed one. */
function pinnedRuntime() {
  if (process.platform !== 'linux') return undefined
  try {
    const manifest = createRequire(import.meta.url).resolve(
      `node-linux-${process.arch}/package.json`,
    )
    const runtime = join(dirname(manifest), 'bin', 'node')
    return existsSync(runtime) ? runtime : undefined
  } catch {
    return undefined
  }
}

/** Runs the program under another runtime: same streams, signals passed on, same end. */
function runUnder(runtime) {
  let child
  const forward = (signal) => child.kill(signal)
  // Before the child can run: a signal in between would end us and leave it behind.
  for (const signal of forwarded) process.on(signal, forward)
  child = spawn(runtime, [program, ...process.argv.slice(2)], { stdio: 'inherit' })
  child.once('error', (error) => {
    fail(`cannot start ${runtime}: ${error.message}`)
  })
  child.once('exit', (code, signal) => {
    for (const name of forwarded) process.removeListener(name, forward)
    if (signal === null) process.exitCode = code ?? 1
    else process.kill(process.pid, signal)
  })
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`)
  process.exitCode = 1
}

if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  await import(pathToFileURL(program).href)
} else {
  const runtime = pinnedRuntime()
  if (runtime === undefined) {
    fail(
      `blazon needs Node ${neededMajor} or newer, this is ${process.versions.node}: ` +
        'install it, or run `npm install` here on Linux (x64 or arm64), which brings it along',
    )
  } else {
    runUnder(runtime)
  }
}
