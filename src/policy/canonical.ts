import { messageOf, quote } from '../base/errors.ts'
import { isDocumentKind, readDocument, writeDocument, type PolicyDocument } from './document.ts'
import { nodeOfJson, type DocumentNode, type Json } from './document-node.ts'
import { documentLimits } from './limits.ts'
import { nowhere, ProblemList } from './problem-list.ts'
import { refused } from './shape.ts'

/** A document as it is stored and sent: the spec in canonical JSON. */
export interface EncodedDocument {
  readonly kind: string
  readonly name: string
  readonly namespace: string
  readonly specJson: Uint8Array
}

/**
 * The spec of a document in canonical JSON: UTF-8, no white space, keys sorted, sets sorted, fields
 * that have their default left out. Documents that mean the same, field by field, give the same bytes.
 */
export function encodeSpec(document: PolicyDocument): Buffer {
  return Buffer.from(canonicalJson(specOf(document)))
}

function specOf(document: PolicyDocument): Json {
  return (writeDocument(document) as { readonly spec: Json }).spec
}

/**
 * Reads a stored or received document by the same shapes as a file; throws `ERR_DOCUMENT`. Whether
 * the tags of an account may be used without naming it was settled where the document was applied.
 */
export function decodeDocument(encoded: EncodedDocument): PolicyDocument {
  const { kind, name, namespace, specJson } = encoded
  const source = `${isDocumentKind(kind) ? kind : 'document'} ${quote(name)}`
  const problems = new ProblemList(source, nowhere)
  const spec = parseSpec(specJson, problems)
  problems.throwIfAny()
  const place = { path: '', problems, tagsTrusted: true }
  const document = readDocument(envelope(kind, name, namespace, spec), place)
  // Repeated keys vanish in JSON.parse; they, and any other second spelling, show here.
  if (document !== refused && !encodeSpec(document).equals(specJson)) {
    problems.add(
      0,
      'spec: expected canonical JSON (sorted, without repeats, defaults or white space)',
    )
  }
  problems.throwIfAny()
  if (document === refused) throw new Error('BUG: a document was refused without a problem')
  return document
}

function parseSpec(specJson: Uint8Array, problems: ProblemList): DocumentNode {
  const refused: DocumentNode = { kind: 'refused', offset: 0 }
  if (specJson.length > documentLimits.specBytes) {
    problems.add(0, `spec: larger than ${String(documentLimits.specBytes)} bytes`)
    return refused
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(specJson)
    return nodeOfJson(JSON.parse(text), problems)
  } catch (error: unknown) {
    problems.add(0, `spec: not JSON in UTF-8: ${quote(messageOf(error))}`)
    return refused
  }
}

function envelope(kind: string, name: string, namespace: string, spec: DocumentNode): DocumentNode {
  const offset = 0
  const word = (value: string): DocumentNode => ({ kind: 'scalar', offset, value, written: value })
  return {
    kind: 'map',
    offset,
    fields: [
      { name: 'kind', offset, value: word(kind) },
      { name: 'name', offset, value: word(name) },
      { name: 'namespace', offset, value: word(namespace) },
      { name: 'spec', offset, value: spec },
    ],
  }
}

/** JSON with sorted keys and no white space. */
function canonicalJson(json: Json): string {
  return JSON.stringify(json, (_key, value: unknown) =>
    isObject(value) ? sortedKeys(value) : value,
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sortedKeys(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
