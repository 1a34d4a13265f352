import { quote } from '../base/errors.ts'
import { didYouMean } from './did-you-mean.ts'
import type { DocumentNode, Json, JsonObject, MapNode } from './document-node.ts'
import { enrolmentRuleKind, type EnrolmentRule } from './enrolment-rule.ts'
import {
  checkMetadataService,
  externalServiceKind,
  type ExternalService,
} from './external-service.ts'
import { guardrailKind, type Guardrail } from './guardrail.ts'
import type { DocumentOf, Kind } from './kind.ts'
import { labelAssignmentKind, type LabelAssignment } from './label-assignment.ts'
import { networkPolicyKind, type NetworkPolicy } from './network-policy.ts'
import { observeKind, type Observe } from './observe.ts'
import { record, required, withDefault } from './record.ts'
import {
  complain,
  nameShape,
  oneOf,
  readNode,
  refuse,
  refused,
  type Refused,
  text,
  type Place,
  type Shape,
} from './shape.ts'

/** Every document this version understands. A new kind is one file, and one line here and below. */
export type PolicyDocument =
  NetworkPolicy | EnrolmentRule | LabelAssignment | Guardrail | Observe | ExternalService
export type DocumentKind = PolicyDocument['kind']

/** Kinds of the reference that this version refuses in words of their own. */
const laterKinds = ['Workload', 'FilePolicy', 'AlertRoute']

const namespaceShape = text<string>({
  expects: '"/", the only namespace of this version',
  parse: (namespace) => (namespace === '/' ? namespace : undefined),
  write: (namespace) => namespace,
  schema: { const: '/' },
})

const documentShapes: Readonly<Record<DocumentKind, Shape<PolicyDocument>>> = {
  NetworkPolicy: documentShape(networkPolicyKind),
  EnrolmentRule: documentShape(enrolmentRuleKind),
  LabelAssignment: documentShape(labelAssignmentKind),
  Guardrail: documentShape(guardrailKind),
  Observe: documentShape(observeKind),
  ExternalService: documentShape(externalServiceKind, checkMetadataService),
}

/** The kinds this version understands. */
export const documentKinds: readonly DocumentKind[] = [
  'NetworkPolicy',
  'EnrolmentRule',
  'LabelAssignment',
  'Guardrail',
  'Observe',
  'ExternalService',
]

export function isDocumentKind(kind: string): kind is DocumentKind {
  return Object.hasOwn(documentShapes, kind)
}

function documentShape<Name extends DocumentKind, Spec>(
  kind: Kind<Name, Spec>,
  check?: (document: DocumentOf<Name, Spec>, node: MapNode, place: Place) => void,
): Shape<PolicyDocument> {
  const shape = record<DocumentOf<Name, Spec>>({
    expects: `a document of kind ${kind.kind}`,
    fields: {
      kind: required(oneOf([kind.kind])),
      name: required(nameShape),
      namespace: withDefault(namespaceShape, '/'),
      spec: required(kind.spec),
    },
    ...(check === undefined ? {} : { check }),
  })
  return shape as unknown as Shape<PolicyDocument>
}

/** Reads one document by the shape of its kind. */
export function readDocument(node: DocumentNode, place: Place): PolicyDocument | Refused {
  if (node.kind === 'refused') return refused
  if (node.kind !== 'map') return refuse(node, place, 'a document with kind, name and spec')
  const kind = readKind(node, place)
  return kind === refused ? refused : readNode(documentShapes[kind], node, place)
}

function readKind(node: MapNode, place: Place): DocumentKind | Refused {
  const field = node.fields.find(({ name }) => name === 'kind')
  const known = documentKinds.join(', ')
  if (field === undefined) {
    return complain(node.offset, place, `the field "kind" is missing: expected one of ${known}`)
  }
  const { value: written } = field
  if (written.kind === 'refused') return refused
  if (written.kind !== 'scalar' || typeof written.value !== 'string') {
    return refuse(written, { ...place, path: 'kind' }, `one of ${known}`)
  }
  const kind = written.value
  if (isDocumentKind(kind)) return kind
  if (laterKinds.includes(kind)) {
    return complain(written.offset, place, `the kind ${kind} is not supported yet by this version`)
  }
  const hint = didYouMean(kind, [...documentKinds, ...laterKinds])
  return complain(
    written.offset,
    place,
    `expected a kind out of ${known}, got ${quote(kind)}${hint}`,
  )
}

/** The JSON Schema of documents of one kind. */
export function schemaOfKind(kind: DocumentKind): JsonObject {
  return documentShapes[kind].schema
}

/** A document as JSON, without the fields that have their default. */
export function writeDocument(document: PolicyDocument): Json {
  return documentShapes[document.kind].write(document)
}
