import type { Clock } from '../base/clock.ts'
import type { ControllerConnection } from './controller-connection.ts'
import type { ControllerContact } from './controller-contact.ts'
import type { IdentityKeeper } from './identity-keeper.ts'
import type { Standing } from './judgement.ts'
import type { MeshState } from './mesh-state.ts'

/** What the data plane goes by. The control plane keeps it, in this process or in the one that started it. */
export interface Ground {
  readonly clock: Clock
  readonly contact: Pick<ControllerContact, 'isConnected'>
  readonly mesh: Pick<MeshState, 'bundle' | 'floors' | 'outside' | 'changed'>
  readonly identity: Pick<IdentityKeeper, 'current' | 'changed'>
  /** What decisions go by now. */
  standing(): Standing
  /** Rejects where there is no controller to ask, or no way to it. */
  readonly issueWorkloadToken: ControllerConnection['issueWorkloadToken']
}
