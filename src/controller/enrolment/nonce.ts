import type { Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { sourceKey } from '../server/call-limits.ts'
import { nonceBytes, type Challenges } from './challenges.ts'

/** Open challenges, apart for those we know: strangers must not be able to stand in the way of renewals. */
export interface ChallengeTables {
  readonly strangers: Challenges
  readonly known: Challenges
}

export function tableFor(tables: ChallengeTables, caller: Caller): Challenges {
  return isKnown(caller) ? tables.known : tables.strangers
}

/** Whose a challenge is, and by whom calls are counted: a known caller, or else an address. */
export function ownerOf(caller: Caller): string {
  switch (caller.kind) {
    case 'workload':
      return `workload ${caller.facts.workloadId}`
    case 'administrator':
      return `administrator ${caller.administratorId}`
    case 'anonymous':
    case 'refused':
      return sourceKey(caller.source)
    default:
      return caller satisfies never
  }
}

function isKnown({ kind }: Caller): boolean {
  return kind === 'workload' || kind === 'administrator'
}

/**
 * What a failed proof is answered with, whichever part of it failed; the log says which, under the
 * same reference.
 */
export function proofRefused(reference: string, detail: string, cause?: unknown): ControllerError {
  return new ControllerError(
    'ERR_UNAUTHENTICATED',
    `the proof of identity is not accepted (the controller's log has the reason under reference ${reference})`,
    { detail: `reference ${reference}: ${detail}`, ...(cause === undefined ? {} : { cause }) },
  )
}

/** Uses up the nonce of a call. Throws for one that is not good for it. */
export function consumeNonce(
  challenges: ChallengeTables,
  caller: Caller,
  nonce: Buffer,
  now: number,
  reference: string,
): void {
  if (nonce.length !== nonceBytes) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      `expected a nonce of ${String(nonceBytes)} bytes, got ${String(nonce.length)}`,
    )
  }
  const verdict = tableFor(challenges, caller).consume(nonce, ownerOf(caller), now)
  if (verdict !== 'good') throw proofRefused(reference, `the nonce is ${verdict}`)
}
