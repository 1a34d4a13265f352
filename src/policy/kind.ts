import type { Shape } from './shape.ts'

/** One kind of document: its name in `kind:` and the shape of its `spec`. */
export interface Kind<Name extends string, Spec> {
  readonly kind: Name
  readonly spec: Shape<Spec>
}

/** A document of one kind. Names are unique per kind and namespace. */
export interface DocumentOf<Name extends string, Spec> {
  readonly kind: Name
  readonly name: string
  /** The path that owns the document; `/` is the only one in this version. */
  readonly namespace: string
  readonly spec: Spec
}
