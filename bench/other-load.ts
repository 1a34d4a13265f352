import { readFileSync } from 'node:fs'

/**
 * Watches what the rest of the machine does during a measurement. The answer is the share of all
 * processors that went to programs other than this one and its children (which have ended by then),
 * or that the host kept for others; numbers of a machine where it is not near zero are too low.
 */
export function watchOtherLoad(): () => number {
  const before = { machine: machineTicks(), own: ownTicks() }
  return () => {
    const after = { machine: machineTicks(), own: ownTicks() }
    const busy = after.machine.busy - before.machine.busy - (after.own - before.own)
    const all = after.machine.all - before.machine.all
    return all === 0 ? 0 : Math.max(0, busy / all)
  }
}

/** First line of proc(5) stat: user nice system idle iowait irq softirq steal. */
function machineTicks(): { readonly busy: number; readonly all: number } {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1)
  const ticks = line.split(/\s+/).slice(1, 9).map(Number)
  const all = ticks.reduce((sum, one) => sum + one, 0)
  const [idle = 0, waiting = 0] = ticks.slice(3, 5)
  return { busy: all - idle - waiting, all }
}

/** This process and all its children that have ended: utime stime cutime cstime. */
function ownTicks(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, one) => sum + Number(one), 0)
}
