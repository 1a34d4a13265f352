import type { HostPort } from '../base/env.ts'
import type { TrustBundle } from '../identity/bundle.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import type { ControllerPin } from './config.ts'
import { connectController, type ControllerConnection } from './controller-connection.ts'
import type { OwnIdentity } from './own-identity.ts'
import { fetchPinnedRoot, readPinnedRoots } from './pinned-roots.ts'

/** The way to the controllers: one connection for the present identity, kept until given up. */
export interface ControllerLink {
  /** With the present identity, for `Mesh` and renewal; `undefined` while there is none. */
  meshConnection(): ControllerConnection | undefined
  /** Without identity, for enrolment; whoever asked for it closes it. */
  enrolmentConnection(signal: AbortSignal): Promise<ControllerConnection>
  /** This connection does not serve: the next one goes to the next controller. */
  giveUp(connection: ControllerConnection): void
  /** Aborts when the identity that `meshConnection` uses is replaced. */
  identityChanged(): AbortSignal
  /** The identity has been replaced: the connection is made anew with it. */
  replaceIdentity(identity: OwnIdentity | undefined): void
  close(): void
}

export function createControllerLink(options: {
  readonly controllers: readonly HostPort[]
  readonly trustDomain: TrustDomain
  readonly pin: ControllerPin
  readonly clock: { now(): number }
  readonly bundle: () => TrustBundle | undefined
}): ControllerLink {
  const { controllers, trustDomain, pin, clock } = options
  let turn = 0
  let identity: OwnIdentity | undefined
  let mesh: ControllerConnection | undefined
  let replaced = new AbortController()

  const address = (): HostPort => {
    const chosen = controllers[turn % controllers.length]
    if (chosen === undefined) throw new Error('BUG: no controller is configured')
    return chosen
  }

  const dropMesh = (): void => {
    mesh?.close()
    mesh = undefined
  }

  return {
    meshConnection: () => {
      const bundle = options.bundle()
      if (identity === undefined || bundle === undefined) return undefined
      mesh ??= connectController({
        address: address(),
        trust: { kind: 'bundle', bundle },
        clock,
        certificate: identity,
      })
      return mesh
    },
    enrolmentConnection: async (signal) => {
      const to = address()
      const roots =
        pin.kind === 'bundle'
          ? await readPinnedRoots(pin.path)
          : [await fetchPinnedRoot(to, pin.sha256, signal)]
      // A bundle of an earlier life still knows which issuers were withdrawn.
      const trust = { kind: 'roots' as const, roots, trustDomain, known: options.bundle() }
      return connectController({ address: to, trust, clock })
    },
    giveUp: (connection) => {
      if (connection === mesh) dropMesh()
      turn++
    },
    identityChanged: () => replaced.signal,
    replaceIdentity: (next) => {
      identity = next
      dropMesh()
      replaced.abort()
      replaced = new AbortController()
    },
    close: dropMesh,
  }
}
