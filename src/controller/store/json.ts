import { StoreError } from './store-error.ts'

/** An attribute as it is kept in a JSON column. */
export interface StoredAttribute {
  readonly key: string
  readonly value: string
  readonly provenance: string
}

/** Reads a JSON column that this controller wrote; anything else means a damaged store. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause: unknown) {
    throw new StoreError('ERR_STORE_CONTENT', 'a column of the store does not hold JSON', { cause })
  }
}
