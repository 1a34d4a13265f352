/** Whether a socket has had the same backlog for 100 ms. */
export function stalled(socket: { readonly writableLength: number }): boolean {
  const now = { at: performance.now(), length: socket.writableLength }
  const seen = backlogs.get(socket) ?? now
  if (seen.length === now.length) backlogs.set(socket, seen)
  else backlogs.set(socket, now)
  return seen.length === now.length && now.at - seen.at > 100
}
const backlogs = new WeakMap<object, { readonly at: number; readonly length: number }>()
