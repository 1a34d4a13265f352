import { quote } from '../base/errors.ts'
import { SidecarError } from './sidecar-error.ts'

/** An SVID with its key, as it is kept: DER, and the full profile that the leaf's digest names. */
export interface StoredIdentity {
  readonly chain: readonly Buffer[]
  readonly privateKey: Buffer // PKCS#8 DER
  readonly profile: Buffer
  readonly obtainedMs: number
}

/** A renewal that was asked for and not yet answered: a retry must bring the same CSR. */
export interface PendingRenewal {
  readonly privateKey: Buffer // PKCS#8 DER
  readonly csr: Buffer
}

/** What a sidecar needs to work at once after a restart, without its controller. */
export interface StoredState {
  readonly highestVersion: number
  readonly highestTimeMs: number
  readonly identity: StoredIdentity | undefined
  readonly pending: PendingRenewal | undefined
  readonly bundle: Buffer | undefined // blazon.v1.Bundle
  readonly floors: Buffer | undefined // blazon.v1.Floors
  readonly snapshot: Buffer | undefined // blazon.v1.Snapshot
}

export const emptyState: StoredState = {
  highestVersion: 0,
  highestTimeMs: 0,
  identity: undefined,
  pending: undefined,
  bundle: undefined,
  floors: undefined,
  snapshot: undefined,
}

/** Highest version and time alone, kept in a file of their own so that an old state is noticed. */
export interface HighWater {
  readonly highestVersion: number
  readonly highestTimeMs: number
}

/** The plain form, before sealing: JSON with base64 for bytes. */
export function encodeState(state: StoredState): Buffer {
  const { identity, pending } = state
  return Buffer.from(
    JSON.stringify({
      form: 1,
      highestVersion: state.highestVersion,
      highestTimeMs: state.highestTimeMs,
      identity: identity && {
        chain: identity.chain.map((der) => der.toString('base64')),
        privateKey: identity.privateKey.toString('base64'),
        profile: identity.profile.toString('base64'),
        obtainedMs: identity.obtainedMs,
      },
      pending: pending && {
        privateKey: pending.privateKey.toString('base64'),
        csr: pending.csr.toString('base64'),
      },
      bundle: state.bundle?.toString('base64'),
      floors: state.floors?.toString('base64'),
      snapshot: state.snapshot?.toString('base64'),
    }),
  )
}

/** Reads what `encodeState` wrote; the seal has vouched for it, so a mistake here is another form. */
export function decodeState(plain: Buffer): StoredState {
  const record = asRecord(parseJson(plain), 'state')
  if (record['form'] !== 1) throw broken('form', record['form'])
  const identity = record['identity']
  const pending = record['pending']
  return {
    ...decodeHighWater(plain),
    identity: identity === undefined ? undefined : decodeIdentity(asRecord(identity, 'identity')),
    pending: pending === undefined ? undefined : decodePending(asRecord(pending, 'pending')),
    bundle: optionalBytes(record, 'bundle'),
    floors: optionalBytes(record, 'floors'),
    snapshot: optionalBytes(record, 'snapshot'),
  }
}

export function encodeHighWater({ highestVersion, highestTimeMs }: HighWater): Buffer {
  return Buffer.from(JSON.stringify({ form: 1, highestVersion, highestTimeMs }))
}

export function decodeHighWater(plain: Buffer): HighWater {
  const record = asRecord(parseJson(plain), 'state')
  return {
    highestVersion: wholeNumber(record, 'highestVersion'),
    highestTimeMs: wholeNumber(record, 'highestTimeMs'),
  }
}

/**
 * Refuses a state that is older than one this sidecar has applied, or whose mark is gone: someone has
 * put back a copy.
 */
export function checkNotOlder(state: StoredState, highest: HighWater | undefined): void {
  if (highest === undefined) {
    throw new SidecarError('ERR_STATE_OLD', 'sealed state: the mark of its highest version is gone')
  }
  if (state.highestVersion >= highest.highestVersion) return
  throw new SidecarError(
    'ERR_STATE_OLD',
    `sealed state: expected version ${String(highest.highestVersion)} or later, got ${String(state.highestVersion)}`,
  )
}

function decodeIdentity(record: Readonly<Record<string, unknown>>): StoredIdentity {
  const chain = record['chain']
  if (!Array.isArray(chain)) throw broken('identity.chain', chain)
  return {
    chain: chain.map((der) => bytes(der, 'identity.chain')),
    privateKey: bytes(record['privateKey'], 'identity.privateKey'),
    profile: bytes(record['profile'], 'identity.profile'),
    obtainedMs: wholeNumber(record, 'obtainedMs'),
  }
}

function decodePending(record: Readonly<Record<string, unknown>>): PendingRenewal {
  return {
    privateKey: bytes(record['privateKey'], 'pending.privateKey'),
    csr: bytes(record['csr'], 'pending.csr'),
  }
}

function parseJson(plain: Buffer): unknown {
  try {
    return JSON.parse(plain.toString('utf8'))
  } catch (cause: unknown) {
    throw new SidecarError('ERR_STATE_SEAL', 'sealed state: not JSON', { cause })
  }
}

function asRecord(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken(name, value)
  return value as Readonly<Record<string, unknown>>
}

function wholeNumber(record: Readonly<Record<string, unknown>>, name: string): number {
  const value = record[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw broken(name, value)
  }
  return value
}

function bytes(value: unknown, name: string): Buffer {
  if (typeof value !== 'string') throw broken(name, value)
  return Buffer.from(value, 'base64')
}

function optionalBytes(
  record: Readonly<Record<string, unknown>>,
  name: string,
): Buffer | undefined {
  return record[name] === undefined ? undefined : bytes(record[name], name)
}

/** Says the kind of what was found only: the value may be a key. */
function broken(name: string, value: unknown): SidecarError {
  return new SidecarError(
    'ERR_STATE_SEAL',
    `sealed state: ${quote(name)} is missing or of the wrong kind (${typeof value})`,
  )
}
