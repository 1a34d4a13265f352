import { accountForm, instanceForm, regionForm } from '../../attest/index.ts'
import { quote } from '../../base/errors.ts'
import { toWireAttributes } from '../../identity/index.ts'
import type { GrantEnrolmentRequest__Output } from '../../rpc/generated/blazon/v1/GrantEnrolmentRequest.ts'
import type { GrantEnrolmentResponse } from '../../rpc/generated/blazon/v1/GrantEnrolmentResponse.ts'
import type { ListNodesRequest__Output } from '../../rpc/generated/blazon/v1/ListNodesRequest.ts'
import type { ListNodesResponse } from '../../rpc/generated/blazon/v1/ListNodesResponse.ts'
import type { Node } from '../../rpc/generated/blazon/v1/Node.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { putGrant } from '../store/grants.ts'
import { bindingsOf, loadBindings, type NodeBinding, type StoredNode } from '../store/nodes.ts'
import { restoreAttributes, type RegisteredWorkload } from '../workloads/registry.ts'
import type { AdminDeps } from './deps.ts'

const defaultTtlSeconds = 3_600
const longestTtlSeconds = 7 * 86_400
const longestReason = 1_024

/** Node keys that have ever attested or claimed to be a node, by node. */
export async function listNodes(
  deps: AdminDeps,
  caller: Caller,
  { match }: ListNodesRequest__Output,
): Promise<ListNodesResponse> {
  needAdministrator(caller, 'viewer')
  const newest = new Map<string, NodeBinding>()
  for (const binding of await loadBindings(deps.store.tables)) {
    const known = newest.get(binding.nodeKeySha256)
    if (known === undefined || binding.pendingTimeMs >= known.pendingTimeMs) {
      newest.set(binding.nodeKeySha256, binding)
    }
  }
  const nodes = [...deps.registry.nodes()]
    .filter((node) => matches(node, match))
    .map((node) => describe(deps, node, newest.get(node.nodeKeySha256)?.pendingTimeMs ?? 0))
  return { nodes: nodes.sort(byNode) }
}

/** A whole node id, its last part (an instance id), or a node key. */
function matches({ nodeId, nodeKeySha256 }: StoredNode, match: string): boolean {
  return match === '' || nodeId === match || nodeKeySha256 === match || nodeId.endsWith(`:${match}`)
}

function describe({ registry }: AdminDeps, node: StoredNode, pendingTimeMs: number): Node {
  const workloads = registry.workloadsOf(node.nodeKeySha256)
  const last = workloads.reduce<RegisteredWorkload | undefined>(
    (newest, one) =>
      newest === undefined || one.stored.lastNotAfterMs > newest.stored.lastNotAfterMs
        ? one
        : newest,
    undefined,
  )
  return {
    nodeId: node.nodeId,
    method: node.method,
    nodeKeySha256: node.nodeKeySha256,
    firstSeenMs: node.firstSeenMs,
    lastSeenMs: node.lastUsedMs,
    pendingTimeMs,
    frozen: node.standing !== 'good',
    workloadIds: workloads.map(({ stored }) => stored.workloadId),
    attributes: toWireAttributes(restoreAttributes(last?.stored.attested ?? [])),
  }
}

function byNode(a: Node, b: Node): number {
  const [left, right] = [a, b].map((one) => `${one.nodeId ?? ''} ${one.nodeKeySha256 ?? ''}`)
  return (left ?? '') < (right ?? '') ? -1 : 1
}

/** Vouches for an instance: the next node key that shows its document is bound, once. */
export async function grantEnrolment(
  deps: AdminDeps,
  caller: Caller,
  request: GrantEnrolmentRequest__Output,
): Promise<GrantEnrolmentResponse> {
  const { name: author } = needAdministrator(caller, 'admin')
  const nodeId = checkInstance(request)
  const ttlSeconds = request.ttlSeconds === 0 ? defaultTtlSeconds : request.ttlSeconds
  if (ttlSeconds < 1 || ttlSeconds > longestTtlSeconds) {
    throw refuse(
      `expected ttl_seconds from 1 to ${String(longestTtlSeconds)}, got ${String(ttlSeconds)}`,
    )
  }
  if (request.reason.length > longestReason) {
    throw refuse(`expected a reason of at most ${String(longestReason)} characters`)
  }
  return deps.changes.run(async () => {
    await checkGrantable(deps, request.account, nodeId)
    const grantedAtMs = deps.clock.now()
    const expiresAtMs = grantedAtMs + ttlSeconds * 1_000
    const { reason } = request
    await deps.store.change((tables) =>
      putGrant(tables, { nodeId, reason, author, grantedAtMs, expiresAtMs }),
    )
    deps.log.info({ node: nodeId, expires_at: expiresAtMs, author, reason }, 'enrolment granted')
    return { expiresAtMs }
  })
}

function checkInstance({ account, region, instanceId }: GrantEnrolmentRequest__Output): string {
  const parts = [
    [accountForm, account],
    [regionForm, region],
    [instanceForm, instanceId],
  ] as const
  for (const [{ pattern, expected }, text] of parts) {
    if (!pattern.test(text)) throw refuse(`expected ${expected}, got ${quote(text)}`)
  }
  return `aws:${account}:${region}:${instanceId}`
}

/** A grant that could not be used would be a surprise later. */
async function checkGrantable(
  { accounts, registry, store }: AdminDeps,
  accountId: string,
  nodeId: string,
): Promise<void> {
  if (accounts.find(accountId) === undefined) {
    throw new ControllerError('ERR_PRECONDITION', `account ${accountId} is not bound; add it first`)
  }
  const bindings = await bindingsOf(store.tables, nodeId)
  if (bindings.some((one) => registry.node(one.nodeKeySha256)?.standing === 'frozen')) {
    throw new ControllerError(
      'ERR_PRECONDITION',
      'two node keys claim this instance; resolve the incident first',
    )
  }
}

function refuse(message: string): ControllerError {
  return new ControllerError('ERR_ARGUMENT', message)
}
