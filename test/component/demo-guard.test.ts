import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { until } from '../../src/demo/waiting.ts'
import { factsOf } from '../../src/demo/process-tree.ts'

const victim = fileURLToPath(new URL('../support/demo-victim.ts', import.meta.url))

describe('the guard of the demonstration', function () {
  this.timeout(20_000)

  it('removes processes and files of a demonstration that was killed', async () => {
    const child = spawn(process.execPath, [victim], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const { directory, family } = JSON.parse(line) as { directory: string; family: number[] }
    expect(family).to.have.lengthOf.at.least(2)
    expect(family.map(factsOf)).to.not.include(undefined)
    expect(existsSync(directory)).to.be.true

    child.kill('SIGKILL')
    const { signal } = new AbortController()
    await until('everything to be gone', { signal, withinMs: 10_000 }, async () =>
      family.every((pid) => factsOf(pid) === undefined) && !existsSync(directory)
        ? true
        : undefined,
    )
  })
})
