import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Endpoint, Tunnel } from '../../tunnel/index.ts'
import { addressBytes } from '../../tunnel/endpoint.ts'

/** What of a tunnel a proof takes: secrets that only its ends have. */
export type ProvenTunnel = Pick<Tunnel, 'exportSecret'>

/** What both ends know of one connection in clear. */
export interface ClearConnection {
  /** The stream of the tunnel that it belongs to, which is never used twice. */
  readonly streamId: number
  readonly destination: Endpoint
  /** The generation of the workload at the dialling end of the tunnel, and at the accepting end. */
  readonly generations: readonly [dialler: number, acceptor: number]
}

/** Begins a connection in clear; nothing that is encrypted, and no word of another protocol, begins so. */
const magic = Buffer.from('\0blazon-clear/1\n', 'latin1')
const tunnelIdBytes = 16
const streamIdBytes = 4
export const proofBytes = 32
const openingBytes = magic.length + tunnelIdBytes + streamIdBytes
/** Everything that the dialling end says before the program's own bytes. */
export const preambleBytes: number = openingBytes + proofBytes

/** What a connection in clear begins with: which stream of which tunnel it belongs to, proven. */
export interface Preamble {
  /** Names the tunnel and the stream. */
  readonly key: string
  readonly proof: Buffer
}

/** Whether bytes are the beginning of a preamble, or could become it. */
export function mayBePreamble(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, magic.length)
  return bytes.subarray(0, length).equals(magic.subarray(0, length))
}

/** Reads a whole preamble. */
export function readPreamble(bytes: Buffer): Preamble {
  return {
    key: bytes.toString('hex', magic.length, openingBytes),
    proof: bytes.subarray(openingBytes, preambleBytes),
  }
}

/** What both ends of a tunnel can say of a connection in clear, and nobody else. */
export interface ClearProofs {
  /** The name under which the accepting end waits for it. */
  readonly key: string
  /** What the dialling end begins with. */
  readonly preamble: Buffer
  readonly ofDialler: Buffer
  readonly ofAcceptor: Buffer
}

/**
 * Each end proves itself with a key of its own, which no other tunnel has, over the tunnel, the stream,
 * both generations and the destination. Undefined where the tunnel is gone.
 */
export function proofsOf(
  tunnel: ProvenTunnel,
  connection: ClearConnection,
): ClearProofs | undefined {
  const id = tunnel.exportSecret('EXPORTER-blazon-clear-tunnel', tunnelIdBytes)
  const dialler = tunnel.exportSecret('EXPORTER-blazon-clear-dialler', proofBytes)
  const acceptor = tunnel.exportSecret('EXPORTER-blazon-clear-acceptor', proofBytes)
  if (id === undefined || dialler === undefined || acceptor === undefined) return undefined
  const stream = Buffer.alloc(streamIdBytes)
  stream.writeUInt32BE(connection.streamId)
  const opening = Buffer.concat([magic, id, stream])
  const said = Buffer.concat([opening, factsOf(connection)])
  const ofDialler = createHmac('sha256', dialler).update(said).digest()
  return {
    key: opening.toString('hex', magic.length),
    preamble: Buffer.concat([opening, ofDialler]),
    ofDialler,
    ofAcceptor: createHmac('sha256', acceptor).update(said).digest(),
  }
}

/** Compares in a time that says nothing of where they differ. */
export function isSameProof(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

function factsOf({ destination, generations }: ClearConnection): Buffer {
  const address = addressBytes(destination.address)
  if (address === undefined) throw new Error('BUG: a destination without an address')
  const numbers = Buffer.alloc(19)
  numbers.writeBigUInt64BE(BigInt(generations[0]), 0)
  numbers.writeBigUInt64BE(BigInt(generations[1]), 8)
  numbers.writeUInt16BE(destination.port, 16)
  numbers.writeUInt8(address.length, 18)
  return Buffer.concat([numbers, address])
}
