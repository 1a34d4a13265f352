import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const script = fileURLToPath(new URL('../../scripts/ensure-programs.mjs', import.meta.url))

function run(
  args: readonly string[],
  path?: string,
): { code: number | null; out: string; err: string } {
  const env = { ...process.env, ...(path === undefined ? {} : { PATH: path }) }
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    env,
    encoding: 'utf8',
  })
  return { code: status, out: stdout, err: stderr }
}

describe('scripts/ensure-programs.mjs', () => {
  it('finds a program where PATH says, before the usual places', () => {
    const directory = mkdtempSync(join(tmpdir(), 'blazon-programs-'))
    try {
      writeFileSync(join(directory, 'curl'), '#!/bin/sh\n', { mode: 0o755 })
      const { code, out } = run(['--json', '--find-only', 'curl'], directory)
      expect(code).to.equal(0)
      expect(JSON.parse(out)).to.deep.equal({ curl: join(directory, 'curl') })
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('passes over a file that cannot be executed', () => {
    const directory = mkdtempSync(join(tmpdir(), 'blazon-programs-'))
    try {
      writeFileSync(join(directory, 'curl'), 'data', { mode: 0o644 })
      const { out } = run(['--json', '--find-only', 'curl'], directory)
      expect(out).to.not.contain(directory)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  for (const [name, args] of [
    ['a program that no package is known for', ['--find-only', 'blazon-no-such-program']],
    ['no program', []],
    ['an unknown option', ['--fast', 'curl']],
  ] as const) {
    it(`refuses ${name}`, () => {
      const { code, out, err } = run(args)
      expect(code).to.equal(1)
      expect(out).to.equal('')
      expect(err).to.match(/^ensure-programs: error: /)
    })
  }
})
