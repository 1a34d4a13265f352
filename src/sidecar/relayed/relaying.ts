import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { TrustBundle } from '../../identity/bundle.ts'
import { createBodyMemory, type BodyMemory } from '../http/held-body.ts'
import type { Standing } from '../judgement.ts'
import { createArrivingRequests, type ArrivingRequests } from './arriving-requests.ts'
import { createLeavingRequests, type LeavingRequests } from './leaving-requests.ts'
import { createReplayMemory } from './replay-memory.ts'
import { createTokenKeeper, type TokenKeeper } from './token-keeper.ts'
import { createTokenReader } from './token-reader.ts'

/** Identity through balancers that read requests (PROTOCOL §7): both ends of it, and what they share. */
export interface Relaying {
  readonly arriving: ArrivingRequests
  readonly leaving: LeavingRequests
  readonly bodies: BodyMemory
  /** Something has changed: where there are balancers, the token is to be at hand. */
  prepare(): void
}

export function createRelaying(parts: {
  readonly bundle: () => TrustBundle | undefined
  readonly standing: () => Standing
  readonly issue: Parameters<typeof createTokenKeeper>[0]['issue']
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly log: Logger
  /** Proofs that are remembered at a time; 0: none is taken. */
  readonly mostProofs?: number
}): Relaying {
  const { standing, clock, log } = parts
  const tokens: TokenKeeper = createTokenKeeper({ ...parts, own: () => standing().own })
  const reader = createTokenReader(parts.bundle)
  const replays = createReplayMemory(parts.mostProofs)
  return {
    arriving: createArrivingRequests({ reader, replays, standing, clock, log }),
    leaving: createLeavingRequests({ tokens, standing, clock }),
    bodies: createBodyMemory(),
    prepare: () => {
      if (standing().outside.hasBalancer) tokens.prepare()
    },
  }
}
