import type { Socket } from 'node:net'
import type { HostPort } from '../../base/env.ts'
import type { Logger } from '../../base/logger.ts'
import type { DataPlaneConfig } from '../config.ts'
import { openEntrances } from '../entrances.ts'
import type { NameService } from '../names/name-service.ts'
import { resetSocket } from '../socket-ending.ts'

/** Which addresses all workers are to listen on. */
export interface Settled<Config> {
  readonly config: Config
  readonly egressAddresses: readonly HostPort[]
  readonly ingressAddresses: readonly HostPort[]
}

/**
 * Opens the listeners for a moment, alone, and returns where they were and the configuration that says
 * so: whoever else listens there is found out, which those who share a port would not, and a port that
 * was free to choose is the same for all of them. Rejects where one cannot be opened.
 */
export async function settleAddresses<Config extends DataPlaneConfig>(
  config: Config,
  names: NameService,
  log: Logger,
): Promise<Settled<Config>> {
  const refuse = ({ socket }: { readonly socket: Socket }): void => {
    resetSocket(socket)
  }
  using entrances = await openEntrances({ ...config, workers: 1, resolvers: [] }, names, log)
  const { listeners } = await entrances.openDoor(refuse)
  try {
    const capture = await entrances.capture(refuse)
    await capture.stop()
    // Of what is redirected the ports are configured, and what `ingress` names there has no listener.
    const isNamed = config.capture.kind === 'explicit'
    const egress = withAddresses(config.egress, capture.addresses)
    const ingress = isNamed ? withAddresses(config.ingress, listeners.addresses) : config.ingress
    return {
      config: { ...config, egress, ingress },
      egressAddresses: capture.addresses,
      ingressAddresses: listeners.addresses,
    }
  } finally {
    await listeners.stop()
  }
}

function withAddresses<Listener extends { readonly listen: HostPort }>(
  wanted: readonly Listener[],
  addresses: readonly HostPort[],
): readonly Listener[] {
  return wanted.map((listener, index) => ({
    ...listener,
    listen: addresses[index] ?? listener.listen,
  }))
}
