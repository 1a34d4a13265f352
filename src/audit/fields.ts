/** An unambiguous concatenation: each field with its length before it, 4 bytes big-endian. */
export function joinFields(fields: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field as string)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    }),
  )
}

/** A whole number from 0 to 2^53 - 1 as 8 bytes, big-endian. */
export function numberField(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}
