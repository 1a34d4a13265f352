import { createHash, randomBytes } from 'node:crypto'

/** 256 bits of chance, in characters that need no escaping anywhere. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** Things that are found by a secret; only the secret's hash is kept, so that looking one up tells nothing by its time. */
export interface SecretTable<T> {
  /** Answers with what had to go for it, if the table was full. */
  put(secret: string, value: T): T | undefined
  get(secret: string): T | undefined
  /** Takes it out: a second time it is not there. */
  take(secret: string): T | undefined
  /** Takes out all that `isOver` says. */
  prune(isOver: (value: T) => boolean): void
  values(): Iterable<T>
  readonly size: number
}

/** Holds `most`; beyond that the oldest goes. */
export function createSecretTable<T>(most: number): SecretTable<T> {
  const bySecret = new Map<string, T>()
  const keyOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')
  const take = (secret: string): T | undefined => {
    const key = keyOf(secret)
    const value = bySecret.get(key)
    bySecret.delete(key)
    return value
  }
  return {
    put: (secret, value) => {
      bySecret.set(keyOf(secret), value)
      const [oldest] = bySecret
      if (bySecret.size <= most || oldest === undefined) return undefined
      const [key, gone] = oldest
      bySecret.delete(key)
      return gone
    },
    get: (secret) => bySecret.get(keyOf(secret)),
    take,
    prune: (isOver) => {
      for (const [key, value] of bySecret) if (isOver(value)) bySecret.delete(key)
    },
    values: () => bySecret.values(),
    get size() {
      return bySecret.size
    },
  }
}
