import { documentKinds, schemaOfKind } from './document.ts'
import type { JsonObject } from './document-node.ts'

/**
 * The JSON Schema (draft 2020-12) of one document, for editors. It is put together from the shapes
 * that read documents, so it accepts whatever they accept; they ask for more, such as keys that exist
 * and conditions that compile.
 */
export function documentJsonSchema(): JsonObject {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Blazon policy document',
    type: 'object',
    required: ['kind', 'name', 'spec'],
    properties: { kind: { enum: documentKinds } },
    allOf: documentKinds.map((kind) => ({
      if: { properties: { kind: { const: kind } }, required: ['kind'] },
      then: { $ref: `#/$defs/${kind}` },
    })),
    $defs: Object.fromEntries(documentKinds.map((kind) => [kind, schemaOfKind(kind)])),
  }
}

/** The text of `schema/blazon-policy.schema.json`. */
export function documentJsonSchemaText(): string {
  return `${JSON.stringify(documentJsonSchema(), undefined, 2)}\n`
}
