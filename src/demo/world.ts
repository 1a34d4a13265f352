import type { AdminClient } from '../cli/client.ts'
import type { Backstage } from './backstage.ts'
import type { Addresses, ServerName } from './cast.ts'
import type { ControllerProcess } from './controller-process.ts'
import type { SshLogin } from './programs/sshd.ts'
import type { Tap } from './recorder.ts'
import type { Report } from './report.ts'
import type { SimulatedEc2 } from './simulated-ec2.ts'

/** Everything that runs, for the acts to play with. */
export interface World {
  readonly backstage: Backstage
  readonly addresses: Addresses
  readonly controller: ControllerProcess
  readonly admin: AdminClient
  readonly contextFile: string
  readonly login: SshLogin
  readonly ec2: SimulatedEc2
  /** Between the sidecars of clients and servers: what someone on the network sees. */
  readonly wire: ReadonlyMap<ServerName, Tap>
  /** Between a server's sidecar and its program: what the program sees. */
  readonly inside: ReadonlyMap<ServerName, Tap>
  /** A text that the demonstration sends through every program, unlike any other. */
  readonly marker: string
}

/** One part of the demonstration. */
export type Act = (world: World, report: Report) => Promise<void>

/** The tap of a server; all of them have one. */
export function tapOf(taps: ReadonlyMap<ServerName, Tap>, server: ServerName): Tap {
  const tap = taps.get(server)
  if (tap === undefined) throw new Error(`BUG: no tap for ${server}`)
  return tap
}
