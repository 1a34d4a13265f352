import type { Logger } from '../base/logger.ts'
import { captureExplicit, type CapturedConnection, type CaptureSource } from './capture.ts'
import { captureRedirected } from './capture-redirect.ts'
import type { SidecarConfig } from './config.ts'
import { openNamedDoor, openRedirectedDoor, type OpenDoor } from './ingress-door.ts'
import { openKernel } from './kernel.ts'

/** How connections come in, from outside and from the workload. */
export interface Entrances extends Disposable {
  readonly openDoor: OpenDoor
  capture(onConnection: (connection: CapturedConnection) => void): Promise<CaptureSource>
}

/** Opens nothing yet but what redirection needs of the kernel, where the configuration asks for it. */
export async function openEntrances(
  { capture, egress, ingress: wanted }: SidecarConfig,
  log: Logger,
): Promise<Entrances> {
  if (capture.kind === 'explicit') {
    return {
      openDoor: async (onArrival) => await openNamedDoor(wanted, onArrival),
      capture: async (onConnection) => await captureExplicit(egress, onConnection),
      [Symbol.dispose]: () => undefined,
    }
  }
  const kernel = await openKernel()
  const redirected = { config: capture, kernel, log }
  return {
    openDoor: async (onArrival) => await openRedirectedDoor({ ...redirected, wanted, onArrival }),
    capture: async (onConnection) => {
      const all = await captureRedirected({ ...redirected, onConnection })
      return await withNamed(all, egress, onConnection)
    },
    [Symbol.dispose]: () => {
      kernel[Symbol.dispose]()
    },
  }
}

/** Named listeners go on beside the redirected ones: their addresses are on loopback, which stays as it is. */
async function withNamed(
  redirected: CaptureSource,
  listeners: SidecarConfig['egress'],
  onConnection: (connection: CapturedConnection) => void,
): Promise<CaptureSource> {
  try {
    const named = await captureExplicit(listeners, onConnection)
    return {
      addresses: [...named.addresses, ...redirected.addresses],
      stop: async () => {
        await Promise.all([named.stop(), redirected.stop()])
      },
    }
  } catch (error: unknown) {
    await redirected.stop()
    throw error
  }
}
