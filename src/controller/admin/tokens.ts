import { quote } from '../../base/errors.ts'
import { AttestError, issueJoinToken } from '../../attest/index.ts'
import type { CreateJoinTokenRequest__Output } from '../../rpc/generated/blazon/v1/CreateJoinTokenRequest.ts'
import type { CreateJoinTokenResponse } from '../../rpc/generated/blazon/v1/CreateJoinTokenResponse.ts'
import type { Label__Output } from '../../rpc/generated/blazon/v1/Label.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { putJoinToken } from '../store/join-tokens.ts'
import type { AdminDeps } from './deps.ts'

const defaultTtlSeconds = 3_600
const longestTtlSeconds = 30 * 86_400
const mostUses = 100_000
const longestDescription = 1_024

/** Makes a join token; it is shown once and not kept. */
export async function createJoinToken(
  deps: AdminDeps,
  caller: Caller,
  request: CreateJoinTokenRequest__Output,
): Promise<CreateJoinTokenResponse> {
  const { name: author } = needAdministrator(caller, 'admin')
  const uses = request.uses === 0 ? 1 : request.uses
  const ttlSeconds = request.ttlSeconds === 0 ? defaultTtlSeconds : request.ttlSeconds
  checkRange('uses', uses, mostUses)
  checkRange('ttl_seconds', ttlSeconds, longestTtlSeconds)
  if (request.description.length > longestDescription) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      `expected a description of at most ${String(longestDescription)} characters`,
    )
  }
  const labels = labelsOf(request.labels)
  const { token, tokenId, expiresAt } = await issueJoinToken({
    key: deps.authority.joinTokenKey(),
    trustDomain: deps.authority.trustDomain,
    labels,
    ttlMs: ttlSeconds * 1_000,
    now: deps.clock.now(),
  }).catch((error: unknown) => {
    if (!(error instanceof AttestError)) throw error
    throw new ControllerError('ERR_ARGUMENT', error.message, { cause: error })
  })
  const { description } = request
  await deps.changes.run(() =>
    deps.store.change((tables) =>
      putJoinToken(tables, {
        tokenId,
        uses,
        labels,
        description,
        author,
        createdAtMs: deps.clock.now(),
        expiresAtMs: expiresAt,
      }),
    ),
  )
  deps.log.info({ token_id: tokenId, uses, labels, author }, 'join token created')
  return { token, tokenId, expiresAtMs: expiresAt }
}

function labelsOf(labels: readonly Label__Output[]): Record<string, string> {
  const byKey = new Map<string, string>()
  for (const { key, value } of labels) {
    if (byKey.has(key)) {
      throw new ControllerError('ERR_ARGUMENT', `the label ${quote(key)} is given twice`)
    }
    byKey.set(key, value)
  }
  return Object.fromEntries(byKey)
}

function checkRange(field: string, value: number, most: number): void {
  if (value >= 1 && value <= most) return
  throw new ControllerError(
    'ERR_ARGUMENT',
    `expected ${field} from 1 to ${String(most)}, got ${String(value)}`,
  )
}
