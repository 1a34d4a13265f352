import { readdirSync, readFileSync } from 'node:fs'

/** A process as /proc shows it. The start time tells it from a later one with the same number. */
export interface ProcessFacts {
  readonly pid: number
  readonly parent: number
  readonly startTime: string
}

/** What /proc says of a process; undefined when there is none, or only a zombie of it. */
export function factsOf(pid: number): ProcessFacts | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
  } catch {
    return undefined // it is gone
  }
  // proc(5): the name is in parentheses and may hold anything; fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parent] = fields
  const startTime = fields[19]
  if (state === undefined || parent === undefined || startTime === undefined) return undefined
  return state === 'Z' ? undefined : { pid, parent: Number(parent), startTime }
}

/** Every living descendant of a process, itself left out; sessions of their own included. */
export function descendantsOf(pid: number): ProcessFacts[] {
  const children = new Map<number, ProcessFacts[]>()
  for (const name of readdirSync('/proc')) {
    const facts = /^[0-9]+$/.test(name) ? factsOf(Number(name)) : undefined
    if (facts === undefined) continue
    children.set(facts.parent, [...(children.get(facts.parent) ?? []), facts])
  }
  const found: ProcessFacts[] = []
  const visit = (parent: number): void => {
    for (const child of children.get(parent) ?? []) {
      found.push(child)
      visit(child.pid)
    }
  }
  visit(pid)
  return found
}

/** Whether this very process still lives. */
export function lives(facts: ProcessFacts): boolean {
  return factsOf(facts.pid)?.startTime === facts.startTime
}

/** Sends a signal to this very process; false when it had gone. */
export function signalProcess(facts: ProcessFacts, signal: NodeJS.Signals): boolean {
  if (!lives(facts)) return false
  try {
    return process.kill(facts.pid, signal)
  } catch {
    return false // it went in between
  }
}
