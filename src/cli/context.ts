import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { formatHostPort, hostPort, type HostPort } from '../base/env.ts'
import { messageOf, quote } from '../base/errors.ts'
import {
  checkBundle,
  issuerStates,
  type IssuerState,
  type TrustBundle,
} from '../identity/bundle.ts'
import { readCertificate, type Certificate } from '../identity/certificate.ts'
import { adminRoleOf, type AdminRole } from '../identity/reserved-path.ts'
import { parseSpiffeId, parseTrustDomain, type SpiffeId } from '../identity/spiffe-id.ts'
import { CliError } from './failure.ts'
import { certificatesOfPem, toPem } from './pem.ts'

/** Which controller this user talks to, what it is recognised by, and who the user is to it. */
export interface Context {
  readonly controller: HostPort
  readonly bundle: TrustBundle
  /** DER, leaf first. */
  readonly chain: readonly Buffer[]
  readonly privateKey: KeyObject
}

/** Who the credential of a context speaks for. */
export interface Administrator {
  readonly certificate: Certificate
  readonly spiffeId: SpiffeId
  readonly role: AdminRole
}

/** Reads the administrator out of a chain. Throws `CliError` ERR_CONTEXT_INVALID. */
export function administratorOf(chain: readonly Buffer[]): Administrator {
  const [leaf] = chain
  if (leaf === undefined) throw invalid('expected a certificate, found none')
  const certificate = readCertificate(leaf)
  const spiffeId = parseSpiffeId(certificate.uris[0] ?? '')
  const role = adminRoleOf(spiffeId)
  if (role === undefined)
    throw invalid(`expected an administrator's certificate, got ${quote(spiffeId)}`)
  return { certificate, spiffeId, role }
}

const formatVersion = 1

/** The text of a context file; `decodeContext` reads it back. */
export function encodeContext(context: Context): string {
  const { bundle } = context
  const stored = {
    version: formatVersion,
    controller: formatHostPort(context.controller),
    trustDomain: bundle.trustDomain,
    bundleVersion: bundle.version,
    roots: bundle.roots.map(toPem).join(''),
    issuers: Object.fromEntries(bundle.issuers),
    chain: context.chain.map(toPem).join(''),
    privateKey: context.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
  return `${JSON.stringify(stored, null, 2)}\n`
}

/** Reads a context file strictly. Throws `CliError` ERR_CONTEXT_INVALID that names `source`. */
export function decodeContext(text: string, source: string): Context {
  try {
    return readFields(JSON.parse(text))
  } catch (cause) {
    throw new CliError(
      'ERR_CONTEXT_INVALID',
      `${source}: not a usable context: ${messageOf(cause)}`,
      {
        cause,
        hints: ['`blazon login` makes a new one'],
      },
    )
  }
}

const fieldNames = new Set([
  'version',
  'controller',
  'trustDomain',
  'bundleVersion',
  'roots',
  'issuers',
  'chain',
  'privateKey',
])

function readFields(stored: unknown): Context {
  const fields = asRecord(stored, 'context')
  for (const name of Object.keys(fields)) {
    if (!fieldNames.has(name)) throw invalid(`unknown field ${quote(name)}`)
  }
  if (fields['version'] !== formatVersion) {
    throw invalid(
      `expected version ${String(formatVersion)}, got ${quote(String(fields['version']))}`,
    )
  }
  const context: Context = {
    controller: hostPort(textOf(fields, 'controller')),
    bundle: readBundle(fields),
    chain: certificatesOfPem(textOf(fields, 'chain')),
    privateKey: createPrivateKey(textOf(fields, 'privateKey')),
  }
  checkKeyMatches(context)
  return context
}

function readBundle(fields: Readonly<Record<string, unknown>>): TrustBundle {
  const version = fields['bundleVersion']
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) {
    throw invalid('bundleVersion: expected a whole number')
  }
  return checkBundle({
    trustDomain: parseTrustDomain(textOf(fields, 'trustDomain')),
    version,
    roots: certificatesOfPem(textOf(fields, 'roots')),
    issuers: readIssuers(asRecord(fields['issuers'], 'issuers')),
    // The controller proves itself by certificate only; JWT keys are of no use here.
    jwtKeys: [],
  })
}

function readIssuers(fields: Readonly<Record<string, unknown>>): Map<string, IssuerState> {
  return new Map(
    Object.entries(fields).map(([keySha256, text]) => {
      const state = issuerStates.find((known) => known === text)
      if (!/^[0-9a-f]{64}$/.test(keySha256) || state === undefined) {
        throw invalid(`issuers: expected a SHA-256 and its state, got ${quote(keySha256)}`)
      }
      return [keySha256, state]
    }),
  )
}

function checkKeyMatches(context: Context): void {
  const { certificate } = administratorOf(context.chain)
  if (!createPublicKey(context.privateKey).equals(certificate.publicKey)) {
    throw invalid('the private key is not the one in the certificate')
  }
}

function asRecord(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${name}: expected an object`)
  }
  return value as Record<string, unknown>
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw invalid(`${name}: expected text`)
  return value
}

function invalid(message: string): CliError {
  return new CliError('ERR_CONTEXT_INVALID', message)
}
