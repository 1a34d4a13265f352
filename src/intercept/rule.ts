/** What happens to a packet that a rule matches. */
export type Outcome =
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'reset' } // tell the sender by a TCP reset
  | { readonly kind: 'prohibit' } // tell the sender by ICMP: administratively prohibited
  | { readonly kind: 'redirect'; readonly port: number }
  | { readonly kind: 'count'; readonly set: string; readonly key: string } // and go on with the next rule

/** One rule of nft; `name` is its comment, by which it is found again in the kernel's list. */
export interface Rule {
  readonly name: string
  /** Expressions, all of which must hold; each is exactly one match to nft. */
  readonly matches: readonly string[]
  /** Marks the connection as one that these rules let through. */
  readonly marks?: boolean
  /** A named counter. */
  readonly counter?: string
  readonly outcome: Outcome
}

/** A base chain: where in the kernel it hangs, and what becomes of packets that no rule decides on. */
export interface Chain {
  readonly name: string
  readonly type: 'nat' | 'filter'
  readonly hook: 'output' | 'prerouting' | 'input'
  readonly priority: number
  readonly policy: 'accept' | 'drop'
  readonly rules: readonly Rule[]
}

/** A set of values, empty at first. */
export interface ValueSet {
  readonly name: string
  /** What nft calls the type of its values. */
  readonly type: string
  /** `filled`: from outside, with ranges. `counted`: by rules. */
  readonly kind: 'filled' | 'counted'
}

/** Everything of ours in the kernel. */
export interface RuleSet {
  readonly sets: readonly ValueSet[]
  readonly counters: readonly string[]
  readonly chains: readonly Chain[]
}

/** The one table, of the family `inet`: both IP versions by the same rules. */
export const tableName = 'blazon'

/** The mark (`blzn`) of connections that the rules have let through. */
export const connectionMark = 0x62_6c_7a_6e

/** Where network address translation happens at these hooks, and filtering after it. */
export const natPriority = -100
export const filterPriority = 0

/** Names of several things that one rule matches: `{ a, b }`. */
export function anyOf(values: readonly (string | number)[]): string {
  return `{ ${values.join(', ')} }`
}
