import { hash } from 'node:crypto'
import { errors, jwtVerify } from 'jose'
import { messageOf } from '../../base/errors.ts'
import type { TrustBundle } from '../../identity/bundle.ts'
import { parsePublicKey } from '../../identity/public-key.ts'
import {
  maxWorkloadTokenLength,
  readTokenClaims,
  workloadTokenAudience,
  workloadTokenType,
  type TokenFacts,
} from '../../identity/workload-token.ts'

/** The workload that a token stands for. Whether whoever sent it has the key is the proof's to say. */
export interface TokenHolder extends TokenFacts {
  /** ms. */
  readonly notAfter: number
  /** SHA-256 of the token, base64url: by this a proof names it (`wth`). */
  readonly tokenHash: string
  /** What signed it. */
  readonly keyId: string
}

export type TokenVerdict =
  | { readonly ok: true; readonly holder: TokenHolder }
  | {
      readonly ok: false
      readonly reason: 'token-invalid' | 'token-expired'
      readonly detail: string
    }

/** Reads workload identity tokens. Whether one is still good is to be asked whenever it is used. */
export interface TokenReader {
  read(token: string, now: number): Promise<TokenVerdict>
  /** Why a token that was good is not any more: time, or what has been withdrawn since. */
  whyNotGood(holder: TokenHolder, now: number): 'token-invalid' | 'token-expired' | undefined
}

/** Tokens that are remembered: one for each workload that sends through balancers. */
const mostKnown = 4_096

/**
 * A token comes with each request, so one whose signature holds is remembered: only those that our own
 * controller signed are, and no longer than the bundle by which they were found good.
 */
export function createTokenReader(bundle: () => TrustBundle | undefined): TokenReader {
  let known = new Map<string, TokenHolder>()
  let knownBy: TrustBundle | undefined

  const remember = (trust: TrustBundle, holder: TokenHolder): void => {
    if (trust !== knownBy) return
    const [oldest = ''] = known.keys()
    if (known.size >= mostKnown) known.delete(oldest)
    known.set(holder.tokenHash, holder)
  }

  return {
    read: async (token, now) => {
      const trust = bundle()
      if (trust === undefined) return invalid('there is no bundle to check it by')
      if (trust !== knownBy) [known, knownBy] = [new Map<string, TokenHolder>(), trust]
      if (token.length > maxWorkloadTokenLength) return invalid('it is too long')
      const tokenHash = hash('sha256', token, 'base64url')
      const before = known.get(tokenHash)
      if (before !== undefined) return { ok: true, holder: before }
      const verdict = await verify(token, tokenHash, trust, now)
      if (verdict.ok) remember(trust, verdict.holder)
      return verdict
    },
    whyNotGood: ({ notAfter, keyId, issuerKeySha256 }, now) => {
      if (now >= notAfter) return 'token-expired'
      const trust = bundle()
      const isListed = trust?.jwtKeys.some((key) => key.keyId === keyId) === true
      const state = trust?.issuers.get(issuerKeySha256) ?? 'tainted'
      return isListed && state !== 'tainted' ? undefined : 'token-invalid'
    },
  }
}

async function verify(
  token: string,
  tokenHash: string,
  trust: TrustBundle,
  now: number,
): Promise<TokenVerdict> {
  const { trustDomain } = trust
  try {
    const { payload, protectedHeader } = await jwtVerify(
      token,
      ({ kid }) => keyOf(trust, kid, now),
      {
        algorithms: ['ES256'],
        typ: workloadTokenType,
        audience: workloadTokenAudience(trustDomain),
        requiredClaims: ['iat', 'exp'],
        currentDate: new Date(now),
      },
    )
    const notAfter = (payload.exp ?? 0) * 1_000
    const facts = readTokenClaims(payload, trustDomain)
    const { kid: keyId = '' } = protectedHeader
    return { ok: true, holder: { ...facts, notAfter, tokenHash, keyId } }
  } catch (error: unknown) {
    return error instanceof errors.JWTExpired ? expired : invalid(messageOf(error))
  }
}

/** A key that was tainted is not in the bundle any more. */
function keyOf(
  { jwtKeys }: TrustBundle,
  kid: string | undefined,
  now: number,
): ReturnType<typeof parsePublicKey> {
  const key = jwtKeys.find(({ keyId, use }) => keyId === kid && use === 'workload-token')
  if (key === undefined) throw new Error('it is signed by no key of the bundle')
  if (now >= key.notAfter) throw new Error('the key that signed it has expired')
  return parsePublicKey(key.spki)
}

function invalid(detail: string): TokenVerdict {
  return { ok: false, reason: 'token-invalid', detail }
}

const expired: TokenVerdict = { ok: false, reason: 'token-expired', detail: 'it has expired' }
