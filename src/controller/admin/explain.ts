import { createProfile, fromWireAttributes, type TrustProfile } from '../../identity/index.ts'
import { explain, type Encryption } from '../../policy/index.ts'
import type { ExplainEnd__Output } from '../../rpc/generated/blazon/v1/ExplainEnd.ts'
import type { ExplainRequest__Output } from '../../rpc/generated/blazon/v1/ExplainRequest.ts'
import type { ExplainResponse } from '../../rpc/generated/blazon/v1/ExplainResponse.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { oneWorkload } from './workloads.ts'
import type { AdminDeps } from './deps.ts'

const mostListed = 20

const encryptionNames = {
  required: 'REQUIRED',
  optional: 'OPTIONAL',
  none: 'NONE',
} as const satisfies Record<Encryption, string>

/** Why a connection would be allowed or denied, by the policies in force. */
export function explainConnection(
  deps: AdminDeps,
  caller: Caller,
  request: ExplainRequest__Output,
): ExplainResponse {
  needAdministrator(caller, 'viewer')
  const { port } = request
  if (port < 1 || port > 65_535) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      `expected a port from 1 to 65535, got ${String(port)}`,
    )
  }
  const from = profileOf(deps, request.from, 'from')
  const to = profileOf(deps, request.to, 'to')
  const { verdict, policies, nearestMiss } = explain(
    deps.book.policies,
    { from, to, port, now: deps.clock.now() },
    mostListed,
  )
  return {
    verdict: verdict.action === 'allow' ? 'ALLOW' : 'DENY',
    reason: verdict.reason,
    policy: verdict.policy ?? '',
    encryption: encryptionNames[verdict.encryption],
    policies: policies.map(({ name, action, matched, because }) => ({
      name,
      action,
      matched,
      because,
    })),
    nearestMiss: nearestMiss ?? '',
  }
}

function profileOf(
  { registry }: AdminDeps,
  end: ExplainEnd__Output | null,
  which: string,
): TrustProfile {
  const kind = end?.kind
  switch (kind) {
    case 'workload':
      return oneWorkload(registry, end?.workload ?? '').profile
    case 'attributes':
      return createProfile(fromWireAttributes(end?.attributes?.attributes ?? [])).profile
    case undefined:
      throw new ControllerError(
        'ERR_ARGUMENT',
        `expected a workload or attributes in ${which}, got neither`,
      )
    default:
      return kind satisfies never
  }
}
