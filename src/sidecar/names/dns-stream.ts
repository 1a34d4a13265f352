const lengthBytes = 2

/** A message as TCP carries it: behind its length. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/**
 * Takes pieces of a TCP stream and hands on each message in them; `onTooLong` is called instead for one
 * that says it is longer than `mostBytes`.
 */
export function createMessageReader(options: {
  readonly mostBytes: number
  readonly onMessage: (message: Buffer) => void
  readonly onTooLong: () => void
}): (piece: Buffer) => void {
  const { mostBytes, onMessage, onTooLong } = options
  let waiting: Buffer = Buffer.alloc(0)
  return (piece) => {
    waiting = Buffer.concat([waiting, piece])
    while (waiting.length >= lengthBytes) {
      const length = waiting.readUInt16BE(0)
      if (length > mostBytes) {
        waiting = Buffer.alloc(0)
        onTooLong()
        return
      }
      const end = lengthBytes + length
      if (waiting.length < end) return
      const message = waiting.subarray(lengthBytes, end)
      waiting = waiting.subarray(end)
      onMessage(message)
    }
  }
}
