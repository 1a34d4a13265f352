import type { ControlPlane } from '../control-plane.ts'
import { storeIdentity } from '../own-identity.ts'
import type { StoredIdentity, StoredState } from '../stored-state.ts'

/** What decisions go by, as far as it has changed since a worker was told last; times always. */
export interface News extends Partial<Pick<StoredState, 'snapshot' | 'bundle' | 'floors'>> {
  /** The private key is in it: this may only travel between the two processes. */
  readonly identity?: StoredIdentity
  readonly deniesNew: boolean
  readonly isConnected: boolean
  /** The controller's time, in ms, where `machineMs()` is 0. */
  readonly controllerOffsetMs: number
  /** When the controller was heard last: by the trusted clock, and by `machineMs()`. */
  readonly heardMs: number
  readonly heardAtMs: number
}

/** A clock in ms that never steps and that all processes of the machine share (CLOCK_MONOTONIC). */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Collects, for one worker, what is new to it at every call. */
export function createNewsSource(
  control: Pick<ControlPlane, 'mesh' | 'identity' | 'clock' | 'contact'>,
): () => News {
  const { mesh, identity, clock, contact } = control
  let told: Partial<ReturnType<typeof present>> = {}
  const present = (): typeof mesh.stored & { readonly own: typeof identity.current } => ({
    ...mesh.stored,
    own: identity.current,
  })

  return () => {
    const now = present()
    const { snapshot, bundle, floors, own } = now
    const ageMs = contact.ageMs()
    const news: News = {
      deniesNew: mesh.deniesNew,
      isConnected: contact.isConnected,
      controllerOffsetMs: clock.controllerNow() - machineMs(),
      heardMs: clock.now() - ageMs,
      heardAtMs: machineMs() - ageMs,
      ...(snapshot !== told.snapshot && { snapshot }),
      ...(bundle !== told.bundle && { bundle }),
      ...(floors !== told.floors && { floors }),
      ...(own !== undefined && own !== told.own && { identity: storeIdentity(own) }),
    }
    told = now
    return news
  }
}
