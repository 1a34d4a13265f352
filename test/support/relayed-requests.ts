import { hash } from 'node:crypto'
import { connect } from 'node:net'
import type { HostPort } from '../../src/base/env.ts'
import { signWorkloadToken } from '../../src/ca/workload-token.ts'
import {
  createProfile,
  keySha256,
  parsePublicKey,
  spiffeId,
  type TokenFacts,
} from '../../src/identity/index.ts'
import { makeProof } from '../../src/sidecar/relayed/proof-token.ts'
import type { FakeController } from './fake-controller.ts'
import { newKeys, type TestKeys } from './test-ca.ts'

/** A workload without a sidecar, whose requests a test makes and forges. */
export interface Sender {
  readonly keys: TestKeys
  readonly spiffeId: string
  readonly workloadId: string
  readonly token: string
}

export interface SenderFaults {
  readonly facts?: Partial<TokenFacts>
  readonly notAfter?: number
  /** Who signs its token. */
  readonly signer?: FakeController['tokenKey']
}

export async function senderOf(
  controller: FakeController,
  name: string,
  faults: SenderFaults = {},
): Promise<Sender> {
  const keys = newKeys()
  const label = { key: 'label.app', value: name, provenance: 'assigned' as const }
  const facts: TokenFacts = {
    spiffeId: spiffeId(controller.ca.trustDomain, `/ns/default/workload/${name}`),
    workloadId: hash('md5', name),
    generation: 1,
    profile: createProfile([label]).profile,
    publicKey: parsePublicKey(keys.spki),
    issuerKeySha256: controller.ca.issuer.keySha256,
    ...faults.facts,
  }
  const notAfter = faults.notAfter ?? Date.now() + 3_600_000
  const signer = faults.signer ?? controller.tokenKey
  // Signed at a time when it was good, whatever its end.
  const { token } = await signWorkloadToken(signer, { facts, notAfter }, notAfter - 60_000)
  return { keys, spiffeId: facts.spiffeId, workloadId: facts.workloadId, token }
}

export function newTokenSigner(): FakeController['tokenKey'] {
  const { privateKey, spki } = newKeys()
  return { keyId: keySha256(spki), publicKey: parsePublicKey(spki), privateKey, spki }
}

/** What a request is, and what its proof says that it is. */
export interface WrittenRequest {
  readonly method?: string
  readonly host?: string
  readonly target?: string
  readonly body?: string
  /** Header lines as they stand, beside those that belong to it. */
  readonly lines?: readonly string[]
  readonly close?: boolean
}

export interface Proving {
  readonly proven?: WrittenRequest
  readonly now?: number
  readonly by?: TestKeys
  readonly token?: string
  readonly isLong?: boolean
}

/** The proof of a request by its sender, or a wrong one. */
export async function proofOf(
  sender: Sender,
  request: WrittenRequest,
  proving: Proving = {},
): Promise<string> {
  const {
    method = 'GET',
    host = 'orders',
    target = '/a',
    body = '',
  } = {
    ...request,
    ...proving.proven,
  }
  return await makeProof({
    key: (proving.by ?? sender.keys).privateKey,
    tokenHash: hash('sha256', proving.token ?? sender.token, 'base64url'),
    request: { method, host, target },
    bodyHash: proving.isLong === true ? undefined : hash('sha256', body, 'base64url'),
    now: proving.now ?? Date.now(),
  })
}

export const tokenLines = (token: string, proof: string): readonly string[] => [
  `Workload-Identity-Token: ${token}`,
  `Workload-Proof-Token: ${proof}`,
]

/** The bytes of a request as a balancer passes them on. */
export function bytesOf({
  method = 'GET',
  host = 'orders',
  target = '/a',
  body = '',
  lines = [],
  close = true,
}: WrittenRequest): string {
  const length = body === '' ? [] : [`Content-Length: ${String(Buffer.byteLength(body))}`]
  const end = close ? ['Connection: close'] : []
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...length, ...end, ...lines]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** A connection from an address, and what came back. */
export interface Caller {
  write(bytes: string): void
  text(): string
  /** `end`, or the code of the error. */
  readonly ended: Promise<string>
  end(): void
}

export function callFrom(localAddress: string, to: HostPort): Caller {
  const socket = connect({ ...to, localAddress, allowHalfOpen: true })
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => {
      resolve('end')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message)
    })
    socket.on('close', () => {
      resolve('close')
    })
  })
  return {
    write: (bytes) => socket.write(bytes, 'latin1'),
    text: () => Buffer.concat(received).toString('latin1'),
    ended,
    end: () => socket.end(),
  }
}
