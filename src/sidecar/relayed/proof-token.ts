import { hash, randomBytes, type KeyObject } from 'node:crypto'
import { errors, jwtVerify, SignJWT, type JWTPayload } from 'jose'
import { messageOf } from '../../base/errors.ts'
import type { TokenHolder } from './token-reader.ts'

/** What of a request a proof is bound to, beside its body: as it goes over the wire. */
export interface ProvenRequest {
  readonly method: string
  /** Lower case, without port and final dot: balancers change those. */
  readonly host: string
  /** Path and query, as they stand in the request. */
  readonly target: string
}

/** What a proof that holds leaves to be checked. */
export interface Proof {
  readonly id: string
  /** From when on it would be refused anyway, ms. */
  readonly until: number
  /** SHA-256 of the body, base64url; undefined: the body is longer than what is proven. */
  readonly bodyHash: string | undefined
}

export type ProofVerdict =
  | { readonly ok: true; readonly proof: Proof }
  | { readonly ok: false; readonly reason: ProofRefusal; readonly detail: string }
export type ProofRefusal = 'proof-invalid' | 'proof-expired' | 'proof-mismatch' | 'clock-skew'

/** `typ` of a workload proof token (draft-ietf-wimse-wpt). */
export const proofType = 'wpt+jwt'
/** A proof is for one request that is on its way. */
export const proofLifeSeconds = 10
/** How far the clocks of the two sidecars may be apart. */
export const proofSkewSeconds = 5
export const maxProofLength = 2_048

const idBytes = 16
const idForm = /^[A-Za-z0-9_-]{16,64}$/

/** Proves one request. `bodyHash` is left out for a body that is too long to be held. */
export async function makeProof(options: {
  readonly key: KeyObject
  readonly tokenHash: string
  readonly request: ProvenRequest
  readonly bodyHash: string | undefined
  readonly now: number
}): Promise<string> {
  const { key, tokenHash, request, bodyHash, now } = options
  const issued = Math.floor(now / 1_000)
  const bound = bindingOf(request)
  const body = bodyHash === undefined ? {} : { bh: bodyHash }
  return await new SignJWT({ wth: tokenHash, htm: bound.htm, qh: bound.qh, ...body })
    .setProtectedHeader({ alg: 'ES256', typ: proofType })
    .setAudience(bound.aud)
    .setJti(randomBytes(idBytes).toString('base64url'))
    .setIssuedAt(issued)
    .setExpirationTime(issued + proofLifeSeconds)
    .sign(key)
}

/**
 * Whether the holder of a token made this proof, for this request, just now. Whether it was used
 * before, and whether the body is the proven one, is for the caller to find out.
 */
export async function verifyProof(
  token: string,
  about: {
    readonly holder: Pick<TokenHolder, 'publicKey' | 'tokenHash'>
    readonly request: ProvenRequest
    readonly now: number
  },
): Promise<ProofVerdict> {
  if (token.length > maxProofLength) return refused('proof-invalid', 'it is too long')
  const { holder, request, now } = about
  try {
    const { payload } = await jwtVerify(token, holder.publicKey, {
      algorithms: ['ES256'],
      typ: proofType,
      requiredClaims: ['jti', 'iat', 'exp', 'aud'],
      currentDate: new Date(now),
      clockTolerance: proofSkewSeconds,
    })
    return readProof(payload, holder.tokenHash, request, now)
  } catch (error: unknown) {
    const isLate = error instanceof errors.JWTExpired
    return refused(isLate ? 'proof-expired' : 'proof-invalid', messageOf(error))
  }
}

function readProof(
  payload: JWTPayload,
  tokenHash: string,
  request: ProvenRequest,
  now: number,
): ProofVerdict {
  const { jti = '', iat = 0, exp = 0, aud, wth, htm, qh, bh } = payload
  if (!idForm.test(jti)) return refused('proof-invalid', 'its id is none')
  if (wth !== tokenHash) return refused('proof-invalid', 'it is about another token')
  if (exp - iat > proofLifeSeconds || exp <= iat) {
    return refused('proof-invalid', `it is for ${String(exp - iat)} s`)
  }
  if (iat * 1_000 > now + proofSkewSeconds * 1_000) {
    return refused('clock-skew', `it was made ${String(iat - Math.floor(now / 1_000))} s ahead`)
  }
  if (bh !== undefined && typeof bh !== 'string') {
    return refused('proof-invalid', 'its body digest is none')
  }
  const bound = bindingOf(request)
  const other = aud !== bound.aud ? 'target' : htm !== bound.htm ? 'method' : 'query'
  if (aud !== bound.aud || htm !== bound.htm || qh !== bound.qh) {
    return refused('proof-mismatch', `it is for another ${other}`)
  }
  const until = (exp + proofSkewSeconds) * 1_000
  return { ok: true, proof: { id: jti, until, bodyHash: bh } }
}

/**
 * The claims that a request stands in: the target URI without its query (`aud`), as the draft has it,
 * the method (`htm`, RFC 9449), and the hash of the query with its `?` (`qh`).
 */
function bindingOf({ method, host, target }: ProvenRequest): {
  readonly aud: string
  readonly htm: string
  readonly qh: string
} {
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  const query = mark === -1 ? '' : target.slice(mark)
  return { aud: `http://${host}${path}`, htm: method, qh: hash('sha256', query, 'base64url') }
}

function refused(reason: ProofRefusal, detail: string): ProofVerdict {
  return { ok: false, reason, detail }
}
