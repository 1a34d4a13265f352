import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { HttpRequest } from '../../policy/index.ts'
import type { Reason } from '../../policy/reason.ts'
import type { ArrivedRequest } from '../http/request-proxy.ts'
import { clientCertOf } from '../http/header-lines.ts'
import { deny, judge, refusalOfNew, type Judgement, type Standing } from '../judgement.ts'
import { chooseOutside, judgeOutside, type OutsideQuestion } from '../outside-choice.ts'
import type { Admission } from '../request-connection.ts'
import { verifyProof, type Proof } from './proof-token.ts'
import type { ReplayMemory } from './replay-memory.ts'
import { tokensOf, type RequestTokens } from './token-headers.ts'
import type { TokenHolder, TokenReader } from './token-reader.ts'

/** Finds out who has sent a request that came from outside the mesh. */
export interface ArrivingRequests {
  admit(arrived: ArrivedRequest, question: OutsideQuestion): Promise<Admission>
}

/** A proof that holds, and whose it is. */
interface Proven {
  readonly holder: TokenHolder
  readonly proof: Proof
}

/**
 * Of what a balancer passes on, each request is decided by itself, whoever sent the one before it on the
 * same connection: on the workload that its token proves, or without a token on the balancer. From
 * anybody else a token says nothing, and the peer is what its address is.
 */
export function createArrivingRequests(parts: {
  readonly reader: TokenReader
  readonly replays: ReplayMemory
  readonly standing: () => Standing
  readonly clock: Pick<Clock, 'now'>
  readonly log: Logger
}): ArrivingRequests {
  const { reader, replays, standing, clock, log } = parts

  const prove = async (
    tokens: RequestTokens,
    { checked: { request }, target }: ArrivedRequest,
  ): Promise<Proven | Refused> => {
    const read = await reader.read(tokens.identity, clock.now())
    if (!read.ok) return read
    const { holder } = read
    const { method, host } = request
    const about = { holder, request: { method, host, target }, now: clock.now() }
    const verdict = await verifyProof(tokens.proof, about)
    if (!verdict.ok) return verdict
    const { proof } = verdict
    // Last of all, so that only what is proven takes room in the memory.
    const use = replays.use(holder.workloadId, proof.id, proof.until, clock.now())
    if (use === 'first') return { holder, proof }
    return use === 'again'
      ? { ok: false, reason: 'proof-replayed', detail: 'its proof was used before' }
      : { ok: false, reason: 'limit-reached', detail: 'there is no room to remember its proof' }
  }

  const judgeRelayed = (
    now: Standing,
    question: OutsideQuestion,
    holder: TokenHolder,
    request: HttpRequest,
  ): Judgement => {
    const choice = chooseOutside(now, question)
    if (choice.kind !== 'outside' || !choice.isBalancer) return deny('no-policy-matched')
    const fault = reader.whyNotGood(holder, now.now)
    if (fault !== undefined) return deny(fault)
    if (holder.generation < now.floors.lowestGood(holder.workloadId)) return deny('below-floor')
    const judgement = judge(now, 'ingress', holder.profile, question.port, request, 'relayed')
    const deadline = Math.min(judgement.deadline ?? Infinity, holder.notAfter)
    return { ...judgement, deadline }
  }

  return {
    admit: async (arrived, question) => {
      const { request, lines } = arrived.checked
      const choice = chooseOutside(standing(), question)
      const tokens = tokensOf(lines)
      if (choice.kind !== 'outside' || !choice.isBalancer || tokens === 'none') {
        return { judge: (now) => judgeOutside(now, { ...question, request }) }
      }
      if (typeof tokens === 'string') return refused(tokens)
      // For its sender it is as good as a new connection.
      const refusal = refusalOfNew(standing())
      if (refusal !== undefined) return refused(refusal)
      const proven = await prove(tokens, arrived)
      if ('reason' in proven) {
        log.info({ reason: proven.reason, error: proven.detail }, 'token refused')
        return refused(proven.reason)
      }
      const { holder, proof } = proven
      const admission = {
        judge: (now: Standing) => judgeRelayed(now, question, holder, request),
        peer: { relayed: holder },
        headers: clientCertOf(holder.spiffeId),
      }
      // Nothing is held for whoever is denied anyway.
      if (admission.judge(standing()).verdict === 'deny') return admission
      const body = await arrived.holdBody()
      if (typeof body === 'string') return refused(body)
      return body.hash === proof.bodyHash ? { ...admission, body } : refused('proof-mismatch')
    },
  }
}

interface Refused {
  readonly ok: false
  readonly reason: Reason
  readonly detail: string
}

function refused(reason: Reason): Admission {
  return { judge: () => deny(reason) }
}
