// The door to `npm start` and `npm test`: makes a fresh clone ready, then hands over to the pinned Node.
import { spawn } from 'node:child_process'
import { ensureDependencies, pinnedNode, root } from './ensure-dependencies.mjs'

const programs = {
  start: ['src/main/blazon.ts', 'demo'],
  test: ['scripts/test.ts'],
  bench: ['bench/run.ts'],
  build: ['scripts/build.ts'],
}
const [name, ...rest] = process.argv.slice(2)
const program = programs[name]
if (program === undefined) {
  console.error(
    `error: expected one of ${Object.keys(programs).join(', ')}, got ${JSON.stringify(name)}`,
  )
  process.exit(2)
}

ensureDependencies()
const child = spawn(pinnedNode(), [...program, ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${root}node_modules/.bin:${process.env.PATH}` },
})
// The terminal signals the whole group; a signal to this process alone is passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  process.exitCode = signal === null ? code : 1
})
