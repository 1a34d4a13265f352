/** An address as the kernel has it, 4 or 16 bytes in network order, and a port. */
export interface RawEndpoint {
  readonly address: Uint8Array
  readonly port: number
}
