import { quote } from '../../base/errors.ts'
import { createProfile, fromWireAttributes, type TrustProfile } from '../../identity/index.ts'
import {
  explain,
  formatPort,
  isDatagramPort,
  isInForce,
  isOutsider,
  isTcpPort,
  profileOfService,
  type Encryption,
  type ExternalService,
} from '../../policy/index.ts'
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
  if (!isTcpPort(port) && !isDatagramPort(port)) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      `expected a port from 1 to 65535, or one of UDP or ICMP as documented, got ${String(port)}`,
    )
  }
  const from = profileOf(deps, request.from, 'from')
  const to = profileOf(deps, request.to, 'to')
  if (isOutsider(from) && isOutsider(to)) {
    throw new ControllerError('ERR_ARGUMENT', 'expected a workload at one end, got none at either')
  }
  if (isDatagramPort(port) && !isOutsider(to)) {
    return denial(`${formatPort(port)} goes to external services only`)
  }
  const missing =
    whyExpired(deps, request.from) ??
    whyExpired(deps, request.to) ??
    missingPort(deps, request.to, port)
  if (missing !== undefined) return denial(missing)
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

/** Why nobody is known at an end where the service has expired. */
function whyExpired(deps: AdminDeps, end: ExplainEnd__Output | null): string | undefined {
  if (end?.kind !== 'external') return undefined
  const service = serviceCalled(deps, end.external ?? '')
  const { expires } = service.spec
  if (expires === undefined || isInForce(service, deps.clock.now())) return undefined
  return `ExternalService ${service.name} expired at ${new Date(expires).toISOString()}, so nobody is known by it`
}

/** What a connection gets to a port that the service it would be to does not have. */
function missingPort(
  deps: AdminDeps,
  end: ExplainEnd__Output | null,
  port: number,
): string | undefined {
  if (end?.kind !== 'external') return undefined
  const { name, spec } = serviceCalled(deps, end.external ?? '')
  if (isDatagramPort(port) && spec.cidrs === undefined) {
    return `ExternalService ${name} has no cidrs, and ${formatPort(port)} goes by those`
  }
  if (spec.ports === undefined || spec.ports.includes(port)) return undefined
  const ports = spec.ports.map(formatPort).join(', ')
  return `ExternalService ${name} has only ${ports}, so nobody is known at ${formatPort(port)}`
}

function denial(nearestMiss: string): ExplainResponse {
  const { reason, encryption } = { reason: 'no-policy-matched', encryption: 'REQUIRED' } as const
  return { verdict: 'DENY', reason, policy: '', encryption, policies: [], nearestMiss }
}

function serviceCalled({ book }: AdminDeps, name: string): ExternalService {
  const found = book.external.whole.services.find((service) => service.name === name)
  if (found !== undefined) return found
  throw new ControllerError('ERR_ARGUMENT', `expected an external service, got ${quote(name)}`)
}

function profileOf(deps: AdminDeps, end: ExplainEnd__Output | null, which: string): TrustProfile {
  const kind = end?.kind
  switch (kind) {
    case 'workload':
      return oneWorkload(deps.registry, end?.workload ?? '').profile
    case 'external':
      return profileOfService(serviceCalled(deps, end?.external ?? ''))
    case 'attributes':
      return createProfile(fromWireAttributes(end?.attributes?.attributes ?? [])).profile
    case undefined:
      throw new ControllerError(
        'ERR_ARGUMENT',
        `expected a workload, an external service or attributes in ${which}, got none`,
      )
    default:
      return kind satisfies never
  }
}
