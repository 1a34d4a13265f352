/**
 * Cleans up after a demonstration that died without doing so itself (kill -9, out of memory).
 *
 * The demonstration holds the other end of this program's stdin and says on it, one a line, what
 * there is to clean: `directory PATH`, `+ PID START-TIME SIGNAL`, `- PID`, and `done` when it has
 * cleaned up by itself. An end of input without `done` means that it is no more.
 */
import { rmSync } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { directoryPrefix } from './directory.ts'
import { descendantsOf, lives, signalProcess, type ProcessFacts } from './process-tree.ts'

const patienceMs = 3_000

interface Charge {
  readonly facts: ProcessFacts
  readonly signal: NodeJS.Signals
}

const charges = new Map<number, Charge>()
const state: { directory?: string; done?: true } = {}

function obey(line: string): void {
  const [word, ...rest] = line.split(' ')
  const [pid, startTime, signal] = rest
  if (word === 'done') state.done = true
  else if (word === 'directory') state.directory = rest.join(' ')
  else if (word === '-') charges.delete(Number(pid))
  else if (word === '+' && startTime !== undefined && signal !== undefined) {
    const facts = { pid: Number(pid), parent: process.ppid, startTime }
    charges.set(facts.pid, { facts, signal: signal as NodeJS.Signals })
  }
}

/** Asks every process in its own way, waits a little, and kills what is left of it and its descendants. */
async function cleanUp(): Promise<void> {
  const all = [...charges.values()].flatMap(({ facts }) =>
    lives(facts) ? [facts, ...descendantsOf(facts.pid)] : [],
  )
  for (const { facts, signal } of charges.values()) signalProcess(facts, signal)
  const deadline = performance.now() + patienceMs
  while (all.some(lives) && performance.now() < deadline) await delay(50)
  for (const facts of all) signalProcess(facts, 'SIGKILL')
  const { directory } = state
  if (directory !== undefined && basename(directory).startsWith(directoryPrefix)) {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

for await (const line of createInterface({ input: process.stdin })) obey(line)
if (state.done !== true) await cleanUp()
