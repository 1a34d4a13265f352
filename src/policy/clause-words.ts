/** One condition of a policy, and how a question met it. */
export interface Clause {
  readonly field: 'from' | 'to' | 'ports' | 'http' | 'relay' | 'expires' | 'when'
  readonly matched: boolean
  /** `to has label.app=orders-db`, or what was asked for and what was there. */
  readonly words: string
  /** For a clause that did not match: what would have to be otherwise, one entry per condition. */
  readonly misses: readonly Miss[]
}

/** `to had label.app=orders-db`; `it has label.app=orders`. */
export interface Miss {
  readonly wish: string
  readonly fact: string
}
