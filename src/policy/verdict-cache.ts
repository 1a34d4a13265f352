import type { Verdict } from './verdict.ts'

/** Numbers of one slot: source and port, destination (0: empty), place of the verdict. */
const width = 4
const leastSlots = 1_024

/**
 * Verdicts by source, destination and port: one flat table with open addressing, so that an answer
 * costs one visit to memory where maps in maps cost four. Nothing is ever taken out alone.
 */
export class VerdictCache {
  readonly #most: number
  #slots = new Int32Array(leastSlots * width)
  #mask = leastSlots - 1
  #verdicts: Verdict[] = []

  /** Beyond `most` verdicts all are forgotten; 0 keeps none. */
  constructor(most: number) {
    this.#most = most
  }

  get(source: number, target: number, port: number): Verdict | undefined {
    const at = this.#find((source << 16) | port, target + 1)
    return this.#slots[at + 1] === 0 ? undefined : this.#verdicts[this.#slots[at + 2] ?? 0]
  }

  set(source: number, target: number, port: number, verdict: Verdict): void {
    if (this.#most === 0) return
    const first = (source << 16) | port
    const second = target + 1
    let at = this.#find(first, second)
    if (this.#slots[at + 1] !== 0) {
      this.#verdicts[this.#slots[at + 2] ?? 0] = verdict
      return
    }
    if (this.#verdicts.length >= this.#most) this.clear()
    if (this.#verdicts.length * 2 > this.#mask) this.#grow()
    at = this.#find(first, second)
    this.#fill(at, first, second, this.#verdicts.push(verdict) - 1)
  }

  clear(): void {
    this.#slots = new Int32Array(leastSlots * width)
    this.#mask = leastSlots - 1
    this.#verdicts = []
  }

  /** Where a key is, or the empty slot where it would be: at least half of them are empty. */
  #find(first: number, second: number): number {
    const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b)
    let slot = (mixed ^ (mixed >>> 15)) & this.#mask
    for (;;) {
      const at = slot * width
      const there = this.#slots[at + 1]
      if (there === 0 || (there === second && this.#slots[at] === first)) return at
      slot = (slot + 1) & this.#mask
    }
  }

  #fill(at: number, first: number, second: number, place: number): void {
    this.#slots[at] = first
    this.#slots[at + 1] = second
    this.#slots[at + 2] = place
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Int32Array(old.length * 2)
    this.#mask = this.#slots.length / width - 1
    for (let from = 0; from < old.length; from += width) {
      const [first = 0, second = 0, place = 0] = [old[from], old[from + 1], old[from + 2]]
      if (second !== 0) this.#fill(this.#find(first, second), first, second, place)
    }
  }
}
