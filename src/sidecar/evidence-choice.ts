import { text, type EnvReader, type Parse } from '../base/env.ts'
import { quote } from '../base/errors.ts'
import { Secret } from './secret.ts'

/** Where the join token comes from; a file is read again at each use. */
export type JoinTokenSource =
  | { readonly kind: 'value'; readonly token: Secret }
  | { readonly kind: 'file'; readonly path: string }

/** A certificate of a CA that the controller is configured with, and its key; both are PEM files. */
export interface X509Files {
  readonly chainFile: string
  readonly keyFile: string
}

/** With what this node is to show what it is; `automatic`: by the metadata service, if it answers. */
export type EvidenceChoice =
  | { readonly kind: 'join-token'; readonly token: JoinTokenSource }
  | { readonly kind: 'aws-iid' }
  | ({ readonly kind: 'x509' } & X509Files)
  | { readonly kind: 'automatic' }

export const evidenceKinds = ['join-token', 'aws-iid', 'x509'] as const
type EvidenceKind = (typeof evidenceKinds)[number]

/** Reads `BLAZON_EVIDENCE` and what belongs to each kind; a join token that is there is used unless told otherwise. */
export function readEvidenceChoice(env: EnvReader): EvidenceChoice {
  const token = readJoinToken(env)
  const files = readX509Files(env)
  const kind = env.optional('BLAZON_EVIDENCE', evidenceKind) ?? (token && 'join-token')
  if (files !== undefined && kind !== 'x509') {
    env.problem('BLAZON_X509_CHAIN: expected only with BLAZON_EVIDENCE=x509')
  }
  switch (kind) {
    case undefined:
      return { kind: 'automatic' }
    case 'aws-iid':
      return { kind }
    case 'join-token':
      if (token !== undefined) return { kind, token }
      env.problem('BLAZON_JOIN_TOKEN: required (or BLAZON_JOIN_TOKEN_FILE), but not set')
      break
    case 'x509':
      if (files !== undefined) return { kind, ...files }
      env.problem('BLAZON_X509_CHAIN: required together with BLAZON_X509_KEY, but not set')
      break
    default:
      kind satisfies never
  }
  return { kind: 'automatic' } // finish() throws before it can be used
}

function readJoinToken(env: EnvReader): JoinTokenSource | undefined {
  const token = env.optional('BLAZON_JOIN_TOKEN', text)
  const path = env.optional('BLAZON_JOIN_TOKEN_FILE', text)
  if (token !== undefined && path !== undefined) {
    env.problem('BLAZON_JOIN_TOKEN_FILE: expected only one of this and BLAZON_JOIN_TOKEN')
  }
  if (token !== undefined) return { kind: 'value', token: new Secret(token) }
  return path === undefined ? undefined : { kind: 'file', path }
}

function readX509Files(env: EnvReader): X509Files | undefined {
  const chainFile = env.optional('BLAZON_X509_CHAIN', text)
  const keyFile = env.optional('BLAZON_X509_KEY', text)
  if (chainFile !== undefined && keyFile !== undefined) return { chainFile, keyFile }
  if (chainFile !== undefined || keyFile !== undefined) {
    env.problem('BLAZON_X509_KEY: expected together with BLAZON_X509_CHAIN')
  }
  return undefined
}

const evidenceKind: Parse<EvidenceKind> = (value) => {
  const kind = evidenceKinds.find((known) => known === value)
  if (kind !== undefined) return kind
  throw new Error(`expected one of ${evidenceKinds.join(', ')}, got ${quote(value)}`)
}
