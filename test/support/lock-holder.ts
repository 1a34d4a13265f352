import { openStateDirectory } from '../../src/sidecar/state-directory.ts'
import { lockStateDirectory } from '../../src/sidecar/state-lock.ts'

// A process of its own that locks the state directory it is told, says so, and lives until it is killed.
const path = process.argv[2] ?? ''
const lock = await lockStateDirectory(path, await openStateDirectory(path))
process.on('exit', () => {
  lock[Symbol.dispose]()
})
process.stdout.write('locked\n')
setInterval(() => undefined, 60_000)
