import { quote } from '../base/errors.ts'
import { encodeSpec } from './canonical.ts'
import { readDocument, type PolicyDocument } from './document.ts'
import type { DocumentNode } from './document-node.ts'
import { documentLimits } from './limits.ts'
import type { ProblemList } from './problem-list.ts'
import type { ReadOptions } from './read-options.ts'
import { refused } from './shape.ts'
import { readYaml } from './yaml-nodes.ts'

/**
 * Parses the documents of one file, YAML or JSON (a list at the top is taken as several documents).
 * Throws `ERR_DOCUMENT` with every problem of the file: one bad document refuses all.
 * `source` names the file in messages.
 */
export function parseDocuments(
  text: string,
  source = 'input',
  { tagsTrusted = false }: ReadOptions = {},
): PolicyDocument[] {
  const { nodes, problems } = readYaml(text, source)
  const documents: PolicyDocument[] = []
  const seen = new Set<string>()
  for (const node of nodes) {
    if (problems.isFull) break
    const document = readDocument(node, { path: '', problems, tagsTrusted })
    if (document === refused) continue
    refuseTooLarge(document, node, problems)
    refuseRepeated(document, node, seen, problems)
    documents.push(document)
  }
  problems.throwIfAny()
  return documents
}

/** What is unique among documents. */
export function documentId({ kind, namespace, name }: PolicyDocument): string {
  return `${kind} ${namespace} ${name}`
}

/** What is stored and sent is the canonical form, so that is what is measured. */
function refuseTooLarge(
  document: PolicyDocument,
  { offset }: DocumentNode,
  problems: ProblemList,
): void {
  const limit = documentLimits.specBytes
  if (encodeSpec(document).length <= limit) return
  problems.add(offset, `the spec is larger than ${String(limit)} bytes in canonical JSON`)
}

function refuseRepeated(
  document: PolicyDocument,
  { offset }: DocumentNode,
  seen: Set<string>,
  problems: ProblemList,
): void {
  const id = documentId(document)
  if (seen.has(id)) {
    problems.add(offset, `the ${document.kind} ${quote(document.name)} stands in this file twice`)
  }
  seen.add(id)
}
