import type { DocumentForm } from '../../policy/enrolment-rule.ts'

/** The tables and columns that the schema's second step added (trust-schema.ts). */
export interface TrustTables {
  accounts: AccountsTable
  grants: GrantsTable
  incidents: IncidentsTable
}

/** AWS accounts whose instances may enrol. */
export interface AccountsTable {
  account_id: string
  name: string
  verified: 'sts' | 'operator'
  arn: string
  tags_trusted: number
  author: string
  changed_at_ms: number
}

/** An operator's word for one instance, good for one binding of a node key. */
export interface GrantsTable {
  node_id: string
  reason: string
  author: string
  granted_at_ms: number
  expires_at_ms: number
}

export interface IncidentsTable {
  incident_id: string
  kind: string
  subject: string
  summary: string
  details: string
  opened_at_ms: number
  last_seen_ms: number
  times: number
  /** 0 while it is open. */
  resolved_at_ms: number
  resolved_by: string
  resolution: string
}

export interface NodesTrust {
  /**
   * `frozen`: one of two claimants. `replaced`: its node was bound to another key since. `barred`:
   * an administrator found that it is not the node. Only a `good` key gets SVIDs.
   */
  standing: 'good' | 'frozen' | 'replaced' | 'barred'
  standing_reason: string
  /** When the key last signed for an SVID. */
  last_used_ms: number
}

export interface NodeBindingsTrust {
  /**
   * What the binding rests on: evidence that proves the sender by itself, the age of an instance's
   * document, or an operator's grant. `claim`: none of them, a second claimant that was frozen.
   */
  bound_by: 'evidence' | 'window' | 'grant' | 'claim'
  /** The pending time of the instance when the key was bound, and the newest it has shown; 0 for other nodes. */
  bound_pending_time_ms: number
  pending_time_ms: number
}

export interface WorkloadsTrust {
  /** The form of the instance identity document it last attested with; empty for other evidence. */
  document_form: DocumentForm | ''
}
