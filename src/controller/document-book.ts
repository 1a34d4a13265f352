import { finish, type Steps } from '../base/steps.ts'
import { compileInSteps } from '../policy/compile.ts'
import { decodeDocument } from '../policy/canonical.ts'
import type { PolicyDocument } from '../policy/document.ts'
import type { ExternalService } from '../policy/external-service.ts'
import { createExternalReaches, type ExternalReaches } from '../policy/external-reach.ts'
import type { EnrolmentRule } from '../policy/enrolment-rule.ts'
import type { LabelAssignment } from '../policy/label-assignment.ts'
import type { PolicySet } from '../policy/policy-set.ts'
import { snapshotCodec } from '../rpc/index.ts'
import { lastValue, nextValue } from './store/counters.ts'
import {
  loadDocuments,
  putDocument,
  removeDocument,
  type StoredDocument,
} from './store/documents.ts'
import type { Tables } from './store/store.ts'
import { createTurns, inTurns } from './turns.ts'

/** A document in force, with what it is stored and sent as. */
export interface KnownDocument {
  readonly document: PolicyDocument
  readonly stored: StoredDocument
  /** As the `documents` field of a Snapshot: those of several can be put one behind the other. */
  readonly encoded: Buffer
}

/** One change of one document: undefined before it was there, or once it is gone. */
export interface DocumentChange {
  readonly before: KnownDocument | undefined
  readonly after: KnownDocument | undefined
}

/** The documents in force, compiled, and the version that every change of what is pushed counts up. */
export interface DocumentBook {
  readonly version: number
  readonly policies: PolicySet
  /** Whom each workload may meet outside the mesh. */
  readonly external: ExternalReaches
  readonly rules: readonly EnrolmentRule[]
  readonly assignments: readonly LabelAssignment[]
  all(): Iterable<KnownDocument>
  get(kind: string, name: string): KnownDocument | undefined
  /** Which document a policy of `policies` is. */
  known(document: PolicyDocument): KnownDocument
  /**
   * Stores changes as one new version, within a transaction. They are in force once what it returns
   * is called. One such change at a time: it takes several turns of the event loop.
   */
  write(tables: Tables, changes: readonly DocumentChange[], version: number): Promise<() => void>
  /** Counts the version up for something that is pushed with the documents, such as the bundle. */
  bump(tables: Tables): Promise<() => void>
}

export async function loadDocumentBook(tables: Tables): Promise<DocumentBook> {
  let documents = new Map<string, KnownDocument>()
  for (const stored of await loadDocuments(tables)) {
    const document = decodeDocument({ ...stored, specJson: Buffer.from(stored.specJson) })
    documents.set(keyOf(stored), know(document, stored))
  }
  let version = await lastValue(tables, 'policy-version')
  let compiled = finish(compile(documents.values()))

  return {
    get version() {
      return version
    },
    get policies() {
      return compiled.policies
    },
    get external() {
      return compiled.external
    },
    get rules() {
      return compiled.rules
    },
    get assignments() {
      return compiled.assignments
    },
    all: () => documents.values(),
    get: (kind, name) => documents.get(keyOf({ kind, name })),
    known: (document) => {
      const known = documents.get(keyOf(document))
      if (known === undefined) throw new Error('BUG: a compiled policy that is not in the book')
      return known
    },
    write: async (tx, changes, next) => {
      const nextDocuments = new Map(documents)
      for (const change of changes) replace(nextDocuments, change)
      const nextCompiled = await inTurns(compile(nextDocuments.values()))
      const turns = createTurns()
      for (const { before, after } of changes) {
        if (after !== undefined) {
          await putDocument(tx, after.stored, before === undefined ? 'created' : 'updated')
        } else if (before !== undefined) {
          await removeDocument(tx, { ...before.stored, revision: next })
        }
        await turns.next()
      }
      return () => {
        documents = nextDocuments
        compiled = nextCompiled
        version = next
      }
    },
    bump: async (tx) => {
      const next = await nextValue(tx, 'policy-version')
      return () => {
        version = next
      }
    },
  }
}

function keyOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind} ${name}`
}

function replace(documents: Map<string, KnownDocument>, { before, after }: DocumentChange): void {
  if (after !== undefined) documents.set(keyOf(after.stored), after)
  else if (before !== undefined) documents.delete(keyOf(before.stored))
}

/** Pairs a document with what it is stored as, and encodes it once for everybody it is sent to. */
export function know(document: PolicyDocument, stored: StoredDocument): KnownDocument {
  const { kind, name, namespace, revision } = stored
  const specJson = Buffer.from(stored.specJson)
  const encoded = snapshotCodec.encode({
    documents: [{ kind, name, namespace, revision, specJson }],
  })
  return { document, stored, encoded }
}

interface CompiledBook {
  readonly policies: PolicySet
  readonly external: ExternalReaches
  readonly rules: readonly EnrolmentRule[]
  readonly assignments: readonly LabelAssignment[]
}

function* compile(documents: Iterable<KnownDocument>): Steps<CompiledBook> {
  const rules: EnrolmentRule[] = []
  const assignments: LabelAssignment[] = []
  const services: ExternalService[] = []
  const all = Array.from(documents, ({ document }) => document)
  for (const document of all) {
    if (document.kind === 'EnrolmentRule') rules.push(document)
    else if (document.kind === 'LabelAssignment') assignments.push(document)
    else if (document.kind === 'ExternalService') services.push(document)
  }
  const policies = yield* compileInSteps(all)
  return { policies, external: createExternalReaches(policies, services), rules, assignments }
}
