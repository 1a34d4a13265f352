import type { Logger } from '../base/logger.ts'
import { captureExplicit, type CapturedConnection, type CaptureSource } from './capture.ts'
import { captureRedirected } from './capture-redirect.ts'
import type { DataPlaneConfig } from './config.ts'
import { openNamedDoor, openRedirectedDoor, type OpenDoor } from './ingress-door.ts'
import { openKernel } from './kernel.ts'
import { openNameDoors } from './names/name-door.ts'
import type { NameService } from './names/name-service.ts'

/** How connections come in, from outside and from the workload. */
export interface Entrances extends Disposable {
  readonly openDoor: OpenDoor
  capture(onConnection: (connection: CapturedConnection) => void): Promise<CaptureSource>
}

/** Opens nothing yet but what redirection needs of the kernel, where the configuration asks for it. */
export async function openEntrances(
  { capture, egress, ingress: wanted, resolvers, workers }: DataPlaneConfig,
  names: NameService,
  log: Logger,
): Promise<Entrances> {
  const isShared = workers > 1
  if (capture.kind === 'explicit') {
    return {
      openDoor: async (onArrival) => await openNamedDoor(wanted, onArrival, isShared),
      capture: async (onConnection) =>
        await captureExplicit(egress, names.lookUp, onConnection, isShared),
      [Symbol.dispose]: () => undefined,
    }
  }
  if (resolvers.length === 0) {
    log.warn({}, 'names are not answered: no name server is known')
  }
  const kernel = await openKernel()
  const redirected = { config: capture, kernel, isShared, log }
  return {
    openDoor: async (onArrival) => await openRedirectedDoor({ ...redirected, wanted, onArrival }),
    capture: async (onConnection) =>
      await openTogether([
        // Their addresses are on loopback, which stays as it is beside what is redirected.
        async () => await captureExplicit(egress, names.lookUp, onConnection, isShared),
        async () => await captureRedirected({ ...redirected, onConnection }),
        // What one process hears of names the others have to know as well, so there only one is asked.
        ...(isShared || resolvers.length === 0
          ? []
          : [async () => await openNameDoors(capture.dnsPort, names, log)]),
      ]),
    [Symbol.dispose]: () => {
      kernel[Symbol.dispose]()
    },
  }
}

/** Opens one after the other, all of them or none. */
async function openTogether(
  openers: readonly (() => Promise<CaptureSource>)[],
): Promise<CaptureSource> {
  const opened: CaptureSource[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(opened.map(async (source) => await source.stop()))
  }
  try {
    for (const open of openers) opened.push(await open())
  } catch (error: unknown) {
    await stop()
    throw error
  }
  return { addresses: opened.flatMap(({ addresses }) => addresses), stop }
}
