/** Tells whoever listens that something has changed; what it is now, they read for themselves. */
export interface Change {
  /** Calls `listener` at every change; returns what stops that. */
  subscribe(listener: () => void): () => void
  announce(): void
}

export function createChange(): Change {
  const listeners = new Set<() => void>()
  return {
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    announce: () => {
      for (const listener of [...listeners]) listener()
    },
  }
}
