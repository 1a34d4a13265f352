import { oneOf, type Shape } from './shape.ts'

/**
 * What a sidecar does that is sent a version it cannot enforce: it keeps the former (`keep`), or it
 * also refuses every new connection until it gets one that it can (`deny-new`).
 */
export const onRejects = ['keep', 'deny-new'] as const
export type OnReject = (typeof onRejects)[number]

export const onRejectShape: Shape<OnReject> = oneOf(onRejects)

/**
 * The strictest `onReject` of documents, some of which may not be understood: only that one field is
 * looked at. For a rejected version, ask with its documents and with those still in force.
 */
export function onRejectOf(documents: Iterable<{ readonly specJson: Uint8Array }>): OnReject {
  for (const { specJson } of documents) if (saysDenyNew(specJson)) return 'deny-new'
  return 'keep'
}

function saysDenyNew(specJson: Uint8Array): boolean {
  try {
    const spec: unknown = JSON.parse(Buffer.from(specJson).toString('utf8'))
    return (
      typeof spec === 'object' &&
      spec !== null &&
      'onReject' in spec &&
      spec.onReject === ('deny-new' satisfies OnReject)
    )
  } catch {
    // Not even JSON: it says nothing, and the version is rejected for it anyway.
    return false
  }
}
