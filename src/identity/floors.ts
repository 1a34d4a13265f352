import { quote } from '../base/errors.ts'
import { IdentityError } from './identity-error.ts'

/** Revocation of what a workload was: generations below the lowest good one are refused. */
export interface Floor {
  readonly workloadId: string
  readonly lowestGoodGeneration: number
  /** The last `notAfter` it can still matter for. */
  readonly untilMs: number
}

/** Floors in one list. */
export const maxFloors = 262_144

/** The floor list of one moment; it never changes. */
export class Floors {
  readonly version: number
  readonly entries: ReadonlyMap<string, Floor>

  constructor(version: number, entries: ReadonlyMap<string, Floor>) {
    this.version = version
    this.entries = entries
  }

  /** The lowest generation of a workload that is still good: 1 where nothing was revoked. */
  lowestGood(workloadId: string): number {
    return this.entries.get(workloadId)?.lowestGoodGeneration ?? 1
  }

  /** The same list without floors that no living certificate can be below; `now` in milliseconds. */
  prune(now: number): Floors {
    const living = [...this.entries].filter(([, floor]) => floor.untilMs > now)
    return living.length === this.entries.size ? this : new Floors(this.version, new Map(living))
  }
}

export const noFloors: Floors = new Floors(0, new Map())

/** Throws `ERR_FLOORS` for a malformed floor, or two for one workload. */
export function createFloors(version: number, floors: Iterable<Floor>): Floors {
  if (!isCount(version)) throw fault(`expected a version of 0 or more, got ${String(version)}`)
  const entries = new Map<string, Floor>()
  for (const floor of floors) {
    checkFloor(floor)
    if (entries.has(floor.workloadId)) throw fault(`two floors for workload ${floor.workloadId}`)
    if (entries.size === maxFloors) throw fault(`more than ${String(maxFloors)} floors`)
    entries.set(floor.workloadId, floor)
  }
  return new Floors(version, entries)
}

function checkFloor({ workloadId, lowestGoodGeneration, untilMs }: Floor): void {
  if (!/^[0-9a-f]{32}$/.test(workloadId)) {
    throw fault(`expected a workload id of 32 hex characters, got ${quote(workloadId)}`)
  }
  if (!isCount(lowestGoodGeneration) || lowestGoodGeneration < 1) {
    throw fault(`expected a generation of 1 or more, got ${String(lowestGoodGeneration)}`)
  }
  if (!isCount(untilMs)) throw fault(`expected a time of 0 or more, got ${String(untilMs)}`)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function fault(message: string): IdentityError {
  return new IdentityError('ERR_FLOORS', message)
}
