/** A message that is not one of ours: it says which field and what was wrong with it. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly code = 'ERR_WIRE'
}
