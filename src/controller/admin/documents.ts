import { setImmediate as nextTurn } from 'node:timers/promises'
import { stringify } from 'yaml'
import { quote } from '../../base/errors.ts'
import { isDocumentKind } from '../../policy/document.ts'
import { documentKinds, type PolicyDocument } from '../../policy/index.ts'
import type { ApplyRequest__Output } from '../../rpc/generated/blazon/v1/ApplyRequest.ts'
import type { ApplyResponse } from '../../rpc/generated/blazon/v1/ApplyResponse.ts'
import type { DeleteDocumentRequest__Output } from '../../rpc/generated/blazon/v1/DeleteDocumentRequest.ts'
import type { DeleteDocumentResponse } from '../../rpc/generated/blazon/v1/DeleteDocumentResponse.ts'
import type { ListDocumentsRequest__Output } from '../../rpc/generated/blazon/v1/ListDocumentsRequest.ts'
import type { ListDocumentsResponse } from '../../rpc/generated/blazon/v1/ListDocumentsResponse.ts'
import type { StoredDocument } from '../../rpc/generated/blazon/v1/StoredDocument.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { know, type DocumentChange, type KnownDocument } from '../document-book.ts'
import type { ReadDocument } from '../documents/parse.ts'
import { nextValue } from '../store/counters.ts'
import { describeLagging, laggingBehind } from '../mesh/enforceable.ts'
import { inTurns, mapInTurns } from '../turns.ts'
import { warningsOf } from './warnings.ts'
import type { AdminDeps } from './deps.ts'

interface Plan {
  readonly document: PolicyDocument
  readonly specText: string
  readonly before: KnownDocument | undefined
  readonly action: 'CREATED' | 'UPDATED' | 'UNCHANGED'
}

/** Puts documents in force, all of them or none. */
export async function apply(
  deps: AdminDeps,
  caller: Caller,
  request: ApplyRequest__Output,
): Promise<ApplyResponse> {
  const { name: author } = needAdministrator(caller, 'editor')
  const source = request.source === '' ? 'input' : request.source
  const { tagsTrusted } = deps.accounts
  const read = await deps.reader.read({ text: request.text, source, tagsTrusted })
  const warnings = (await mapInTurns(read, ({ document }) => warningsOf(document))).flat()
  return deps.changes.run(async () => {
    checkTrustOfTags(deps, tagsTrusted)
    const plans = await mapInTurns(read, (one) => plan(deps, one))
    await checkEnforceable(deps, plans)
    const revision = request.dryRun ? undefined : await putInForce(deps, plans, author)
    return {
      documents: plans.map(({ document, before, action }) => ({
        kind: document.kind,
        name: document.name,
        action,
        revision: action === 'UNCHANGED' ? (before?.stored.revision ?? 0) : (revision ?? 0),
      })),
      warnings,
    }
  })
}

/** An account may have lost its trust while the documents were read by it. */
function checkTrustOfTags({ accounts }: AdminDeps, wereTrusted: boolean): void {
  if (!wereTrusted || accounts.tagsTrusted) return
  throw new ControllerError(
    'ERR_PRECONDITION',
    'the tags of an account were trusted when this began, and are not any more: apply it again',
  )
}

function plan({ book }: AdminDeps, { document, specText }: ReadDocument): Plan {
  const before = book.get(document.kind, document.name)
  if (before === undefined) return { document, specText, before, action: 'CREATED' }
  const isSame =
    before.stored.specJson === specText && before.stored.namespace === document.namespace
  return { document, specText, before, action: isSame ? 'UNCHANGED' : 'UPDATED' }
}

/** Refuses what a sidecar that it concerns is too old to enforce: half a fleet's guardrail is none. */
async function checkEnforceable(
  { registry, distributor, clock }: AdminDeps,
  plans: readonly Plan[],
): Promise<void> {
  const changed = plans.filter(({ action }) => action !== 'UNCHANGED')
  const now = clock.now()
  const enforcers = [...registry.workloads()].filter(({ stored, certificates }) => {
    const lives = [...certificates.values()].some(({ notAfterMs }) => notAfterMs > now)
    return stored.standing === 'good' && lives
  })
  const steps = laggingBehind(
    changed.map(({ document }) => document),
    enforcers.map(({ stored, profile }) => ({
      name: stored.name,
      profile,
      // A stream says what runs now; what was enrolled may have been replaced since.
      schemaVersion:
        distributor.watcher(stored.workloadId)?.open.schemaVersion ??
        Math.max(1, stored.schemaVersion),
    })),
  )
  const lagging = await inTurns(steps)
  if (lagging.length === 0) return
  throw new ControllerError(
    'ERR_PRECONDITION',
    `${describeLagging(lagging)}: update them first, or select others`,
  )
}

/** Answers with the revision that the changed documents got; undefined when none changed. */
async function putInForce(
  deps: AdminDeps,
  plans: readonly Plan[],
  author: string,
): Promise<number | undefined> {
  const changed = plans.filter(({ action }) => action !== 'UNCHANGED')
  if (changed.length === 0) return undefined
  return change(deps, author, (revision) =>
    mapInTurns(changed, ({ document, specText, before }) => ({
      before,
      after: know(document, {
        kind: document.kind,
        name: document.name,
        namespace: document.namespace,
        revision,
        specJson: specText,
        author,
        changedAtMs: deps.clock.now(),
      }),
    })),
  )
}

/** Writes one new version, puts it in force and has it pushed. */
async function change(
  deps: AdminDeps,
  author: string,
  changesFor: (revision: number) => Promise<readonly DocumentChange[]>,
): Promise<number> {
  const { store, book } = deps
  const { revision, changes, putIntoForce } = await store.change(async (tables) => {
    const next = await nextValue(tables, 'policy-version')
    const made = await changesFor(next)
    return { revision: next, changes: made, putIntoForce: await book.write(tables, made, next) }
  })
  putIntoForce()
  deps.log.info({ version: revision, documents: changes.length, author }, 'policy changed')
  deps.onDocumentsChanged(changes)
  // Thousands took their time to be written, and will to be answered for: a turn each.
  await nextTurn()
  return revision
}

/** Takes a document out of force; its history is kept. */
export async function deleteDocument(
  deps: AdminDeps,
  caller: Caller,
  request: DeleteDocumentRequest__Output,
): Promise<DeleteDocumentResponse> {
  const { name: author } = needAdministrator(caller, 'editor')
  checkKind(request.kind)
  return deps.changes.run(async () => {
    const before = deps.book.get(request.kind, request.name)
    if (before === undefined) {
      throw new ControllerError(
        'ERR_NOT_FOUND',
        `there is no ${request.kind} named ${quote(request.name)}`,
      )
    }
    const stored = { ...before.stored, author, changedAtMs: deps.clock.now() }
    const gone = { ...before, stored }
    const revision = await change(deps, author, async () => [{ before: gone, after: undefined }])
    return { revision }
  })
}

/** The documents in force. */
export function listDocuments(
  { book }: AdminDeps,
  caller: Caller,
  request: ListDocumentsRequest__Output,
): ListDocumentsResponse {
  needAdministrator(caller, 'viewer')
  if (request.kind !== '') checkKind(request.kind)
  const documents = [...book.all()].filter(
    ({ stored }) =>
      (request.kind === '' || stored.kind === request.kind) &&
      (request.name === '' || stored.name === request.name),
  )
  return { documents: documents.map(toWire) }
}

/** Throws for what is no kind of document. */
export function checkKind(kind: string): void {
  if (isDocumentKind(kind)) return
  throw new ControllerError(
    'ERR_ARGUMENT',
    `expected a kind out of ${documentKinds.join(', ')}, got ${quote(kind)}`,
  )
}

function toWire({ stored }: KnownDocument): StoredDocument {
  const { kind, name, namespace, revision, specJson, author, changedAtMs } = stored
  const spec: unknown = JSON.parse(specJson)
  const head = namespace === '/' ? { kind, name } : { kind, name, namespace }
  return {
    document: { kind, name, namespace, revision, specJson: Buffer.from(specJson) },
    author,
    changedAtMs,
    yaml: stringify({ ...head, spec }),
  }
}
