import type { Attribute__Output } from '../rpc/generated/blazon/v1/Attribute.ts'

/** An attribute as programs read it from us. */
export interface AttributeView {
  readonly key: string
  readonly value: string
  readonly provenance: string
}

export function attributeView({ key, value, provenance }: Attribute__Output): AttributeView {
  return { key, value, provenance: provenance.toLowerCase() }
}
