import type { Socket } from 'node:net'

const nothing = Buffer.alloc(0)

/**
 * Ends a socket once what was written has left: until then it can still be reset. (libuv refuses to
 * reset a handle while its shutdown is pending, and Node then never closes the handle:
 * uv_tcp_close_reset, UV_EINVAL.)
 */
export function endWhenFlushed(socket: Socket): void {
  if (socket.writableLength === 0) end(socket)
  else {
    socket.write(nothing, () => {
      end(socket)
    })
  }
}

/** Where the other side has ended before, closing says all that a shutdown would, one system call earlier. */
function end(socket: Socket): void {
  if (socket.readableEnded) socket.destroy()
  else socket.end()
}

/** Resets a connection, so that nobody takes what was cut off for the whole. */
export function resetSocket(socket: Socket): void {
  const isShuttingDown = socket.writableEnded && !socket.writableFinished && !socket.destroyed
  if (isShuttingDown) socket.once('finish', () => socket.resetAndDestroy())
  else socket.resetAndDestroy()
}
