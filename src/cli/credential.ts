import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { HostPort } from '../base/env.ts'
import { quote } from '../base/errors.ts'
import type { TrustBundle } from '../identity/bundle.ts'
import { createCsr } from '../identity/csr.ts'
import { noFloors } from '../identity/floors.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import type { ControllerTrust } from '../identity/verify-controller.ts'
import { verifyPeer } from '../identity/verify-peer.ts'
import { fromWireBundle } from '../identity/wire.ts'
import type { Bundle__Output } from '../rpc/generated/blazon/v1/Bundle.ts'
import { claimAdministrator, createAdminClient } from './client.ts'
import { administratorOf, type Context } from './context.ts'
import { CliError } from './failure.ts'

const generateKeys = promisify(generateKeyPair)

/**
 * Exchanges the one-time secret of a new controller for the first administrator's credential. The
 * secret is sent only after the controller has proved itself under `trust`. Throws `CliError`.
 */
export async function claim(input: {
  readonly address: HostPort
  readonly trust: ControllerTrust
  readonly secret: string
  readonly name: string
  readonly now: () => number
  readonly signal?: AbortSignal
}): Promise<Context> {
  const privateKey = await newKey()
  const { response, trustDomain } = await claimAdministrator(
    { address: input.address, trust: input.trust, now: input.now, ...signalOf(input) },
    { secret: input.secret, csr: createCsr(privateKey, input.name), name: input.name },
  )
  return checkedContext({
    controller: input.address,
    privateKey,
    chain: response.chain,
    bundle: readBundle(response.bundle, trustDomain),
    now: input.now(),
  })
}

/** A context with a new key and certificate, and the bundle of today. Throws `CliError`. */
export async function renew(
  context: Context,
  now: () => number,
  signal?: AbortSignal,
): Promise<Context> {
  const replacement = await prepareReplacement(context)
  using client = createAdminClient({
    address: context.controller,
    bundle: context.bundle,
    credential: context,
    now,
    ...signalOf({ signal }),
  })
  return replacement.complete(await client.renewAdministrator({ csr: replacement.csr }), now())
}

/** A request for the next certificate of a context, and what makes a context of the answer. */
export interface Replacement {
  readonly csr: Buffer
  /** Throws `CliError` where the answer does not hold. */
  complete(
    answer: { readonly chain: readonly Buffer[]; readonly bundle: Bundle__Output | null },
    now: number,
  ): Context
}

export async function prepareReplacement(context: Context): Promise<Replacement> {
  const privateKey = await newKey()
  return {
    csr: createCsr(privateKey, administratorOf(context.chain).role),
    complete: ({ chain, bundle }, now) =>
      checkedContext({
        controller: context.controller,
        privateKey,
        chain,
        bundle: readBundle(bundle, context.bundle.trustDomain),
        now,
      }),
  }
}

/** The same credential with the bundle of today. Throws `CliError`. */
export function withBundle(context: Context, bundle: Bundle__Output | null, now: number): Context {
  const read = readBundle(bundle, context.bundle.trustDomain)
  return checkedContext({ ...context, bundle: read, now })
}

/** Whether half of a certificate's life is over. */
export function isPastHalfLife(context: Context, now: number): boolean {
  const { notBefore, notAfter } = administratorOf(context.chain).certificate
  return now >= notBefore + (notAfter - notBefore) / 2
}

async function newKey(): Promise<KeyObject> {
  const { privateKey } = await generateKeys('ec', { namedCurve: 'P-256' })
  return privateKey
}

function readBundle(wire: Bundle__Output | null, trustDomain: TrustDomain): TrustBundle {
  if (wire === null) throw refuse('expected a bundle with the certificate, got none')
  const bundle = fromWireBundle(wire)
  if (bundle.trustDomain !== trustDomain) {
    throw refuse(`expected the bundle of ${trustDomain}, got that of ${quote(bundle.trustDomain)}`)
  }
  return bundle
}

/** What came back must be an administrator's certificate for our key, good under the bundle beside it. */
function checkedContext(input: Context & { readonly now: number }): Context {
  const { now, ...context } = input
  const result = verifyPeer({
    chain: context.chain,
    bundle: context.bundle,
    floors: noFloors,
    now,
  })
  if (!result.ok)
    throw refuse(`the new certificate does not hold: ${result.code}: ${result.detail}`)
  const { certificate } = administratorOf(context.chain)
  if (!certificate.x509.checkPrivateKey(context.privateKey)) {
    throw refuse('the new certificate is for another key than ours')
  }
  return context
}

function refuse(message: string): CliError {
  return new CliError('ERR_CONTROLLER_FAILED', `the controller answered wrongly: ${message}`)
}

function signalOf(input: { readonly signal?: AbortSignal | undefined }): { signal?: AbortSignal } {
  return input.signal === undefined ? {} : { signal: input.signal }
}
