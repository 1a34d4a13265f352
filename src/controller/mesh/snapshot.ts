import { toWireBundle, toWireFloors, type Floors, type TrustBundle } from '../../identity/index.ts'
import { meshService, snapshotCodec } from '../../rpc/index.ts'
import type { WatchUpdate } from '../../rpc/generated/blazon/v1/WatchUpdate.ts'

/** `WatchUpdate.snapshot`: field 1, length-delimited. */
const snapshotField = 0x0a

/**
 * The Watch message for a snapshot, put together from documents that were each encoded once: fields
 * of a protobuf message that repeat may stand in pieces one behind the other.
 */
export function encodeSnapshot(
  version: number,
  encodedBundle: Buffer,
  encodedDocuments: readonly Buffer[],
  meshAddresses: readonly Buffer[] = [],
): Buffer {
  const head = snapshotCodec.encode({ version, meshAddresses: [...meshAddresses] })
  const length = encodedDocuments.reduce(
    (sum, document) => sum + document.length,
    head.length + encodedBundle.length,
  )
  return Buffer.concat([
    Buffer.of(snapshotField),
    varint(length),
    head,
    encodedBundle,
    ...encodedDocuments,
  ])
}

/** The bundle as the field of a snapshot, to be put between its version and its documents. */
export function encodeBundleField(bundle: TrustBundle): Buffer {
  return snapshotCodec.encode({ bundle: toWireBundle(bundle) })
}

export function encodeFloorsUpdate(floors: Floors): Buffer {
  return encodeUpdate({ floors: toWireFloors(floors) })
}

export function encodeHeartbeat(controllerTimeMs: number): Buffer {
  return encodeUpdate({ heartbeat: { controllerTimeMs } })
}

export function encodeRenewNow(reason: string): Buffer {
  return encodeUpdate({ renewNow: { reason } })
}

function encodeUpdate(update: WatchUpdate): Buffer {
  return meshService.Watch.responseSerialize(update)
}

function varint(value: number): Buffer {
  const octets: number[] = []
  let rest = value
  while (rest > 0x7f) {
    octets.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  octets.push(rest)
  return Buffer.from(octets)
}
