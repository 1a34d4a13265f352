import type { Caller } from '../caller.ts'
import { deleteAccount, listAccounts, putAccount } from './accounts.ts'
import { renewAdministrator } from './administrator.ts'
import { readAuditHead, readAudit } from './audit.ts'
import type { AdminDeps } from './deps.ts'
import { apply, deleteDocument, listDocuments } from './documents.ts'
import { explainConnection } from './explain.ts'
import { followFlows, listFlows } from './flows.ts'
import { listHistory } from './history.ts'
import { listIncidents, resolveIncident } from './incidents.ts'
import { rotateIssuer, taintIssuer } from './issuers.ts'
import { setLabels } from './labels.ts'
import type { MessageSink } from './message-sink.ts'
import { grantEnrolment, listNodes } from './nodes.ts'
import { createSignInLink } from './sign-in-link.ts'
import { readStatus } from './status.ts'
import { createJoinToken } from './tokens.ts'
import { listWorkloads, revokeWorkload } from './workloads.ts'

/** A method that answers once. */
export interface UnaryMethod {
  readonly kind: 'unary'
  /** Whether it changes anything: then its audit entry is durable before it is answered. */
  readonly isChange: boolean
  readonly run: (deps: AdminDeps, caller: Caller, request: never) => unknown
}

/** A method that answers with a stream; what it returns stops it, `end` is called when it is complete. */
export interface StreamMethod {
  readonly kind: 'stream'
  readonly open: (
    deps: AdminDeps,
    caller: Caller,
    request: never,
    sink: MessageSink<never>,
    end: (error?: unknown) => void,
  ) => () => void
}

/**
 * Every method of the Admin service with its handler, by its name in the proto. Whichever way a
 * call comes in, it goes through this list. The handlers check the caller's role themselves.
 */
export const adminMethods: Readonly<Record<string, UnaryMethod | StreamMethod>> = {
  Status: read(readStatus),

  Apply: change(apply),
  ListDocuments: read(listDocuments),
  DeleteDocument: change(deleteDocument),
  Explain: read(explainConnection),
  ListHistory: read(listHistory),

  ListWorkloads: read(listWorkloads),
  RevokeWorkload: change(revokeWorkload),
  SetLabels: change(setLabels),
  CreateJoinToken: change(createJoinToken),

  ListNodes: read(listNodes),
  GrantEnrolment: change(grantEnrolment),
  ListAccounts: read(listAccounts),
  PutAccount: change(putAccount),
  DeleteAccount: change(deleteAccount),

  ListIncidents: read(listIncidents),
  ResolveIncident: change(resolveIncident),

  ListFlows: read(listFlows),
  FollowFlows: stream(followFlows),

  RotateIssuer: change(rotateIssuer),
  TaintIssuer: change(taintIssuer),

  ReadAudit: stream(readAudit),
  AuditHead: read(readAuditHead),

  RenewAdministrator: change(renewAdministrator),
  CreateSignInLink: change(createSignInLink),
}

type UnaryHandler<Request, Response> = (
  deps: AdminDeps,
  caller: Caller,
  request: Request,
) => Response | Promise<Response>

function read<Request, Response>(run: UnaryHandler<Request, Response>): UnaryMethod {
  return { kind: 'unary', isChange: false, run }
}

function change<Request, Response>(run: UnaryHandler<Request, Response>): UnaryMethod {
  return { kind: 'unary', isChange: true, run }
}

function stream<Message>(
  open: (
    deps: AdminDeps,
    caller: Caller,
    request: never,
    sink: MessageSink<Message>,
    end: (error?: unknown) => void,
  ) => () => void,
): StreamMethod {
  return { kind: 'stream', open }
}
