import { stringify } from 'yaml'
import type { HistoryEntry } from '../../rpc/generated/blazon/v1/HistoryEntry.ts'
import type { ListHistoryRequest__Output } from '../../rpc/generated/blazon/v1/ListHistoryRequest.ts'
import type { ListHistoryResponse } from '../../rpc/generated/blazon/v1/ListHistoryResponse.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { newestVersions, type DocumentVersion } from '../store/document-history.ts'
import { checkKind } from './documents.ts'
import type { AdminDeps } from './deps.ts'

const defaultLimit = 50
const mostEntries = 500

/** The versions that a document has had, newest first. */
export async function listHistory(
  { store }: AdminDeps,
  caller: Caller,
  request: ListHistoryRequest__Output,
): Promise<ListHistoryResponse> {
  needAdministrator(caller, 'viewer')
  const { kind, name } = request
  checkKind(kind)
  if (name === '') throw new ControllerError('ERR_ARGUMENT', 'expected the name of a document')
  const limit = request.limit === 0 ? defaultLimit : request.limit
  if (limit > mostEntries) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      `expected a limit of at most ${String(mostEntries)}, got ${String(limit)}`,
    )
  }
  const versions = await newestVersions(store.tables, kind, name, limit)
  return { entries: versions.map((version) => toEntry(kind, name, version)) }
}

function toEntry(kind: string, name: string, version: DocumentVersion): HistoryEntry {
  const { revision, namespace, specJson, author, changedAtMs, action } = version
  const spec: unknown = JSON.parse(specJson)
  const head = namespace === '/' ? { kind, name } : { kind, name, namespace }
  return {
    revision,
    author,
    changedAtMs,
    deleted: action === 'deleted',
    yaml: stringify({ ...head, spec }),
  }
}
