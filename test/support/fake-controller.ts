import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server as TlsServer, type TLSSocket } from 'node:tls'
import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from '@grpc/grpc-js'
import { attestTranscript, renewTranscript, verifyTranscript } from '../../src/attest/index.ts'
import type { HostPort } from '../../src/base/env.ts'
import type { SigningKey } from '../../src/ca/authority-key.ts'
import { readCsr } from '../../src/ca/csr.ts'
import { signWorkloadToken } from '../../src/ca/workload-token.ts'
import {
  createFloors,
  createProfile,
  keySha256,
  noFloors,
  parsePublicKey,
  parseSpiffeId,
  readCertificate,
  toWireBundle,
  toWireFloors,
  type Attribute,
  type Floor,
  type Floors,
  type TrustBundle,
  type WorkloadFacts,
} from '../../src/identity/index.ts'
import { encodeSpec } from '../../src/policy/canonical.ts'
import { parseDocuments } from '../../src/policy/parse.ts'
import { enrolmentService, evidenceCodec, meshService, subjectCodec } from '../../src/rpc/index.ts'
import type { AttestRequest__Output } from '../../src/rpc/generated/blazon/v1/AttestRequest.ts'
import type { AttestResponse } from '../../src/rpc/generated/blazon/v1/AttestResponse.ts'
import type { ChallengeResponse } from '../../src/rpc/generated/blazon/v1/ChallengeResponse.ts'
import type { Document } from '../../src/rpc/generated/blazon/v1/Document.ts'
import type { FlowRecord__Output } from '../../src/rpc/generated/blazon/v1/FlowRecord.ts'
import type { FlowReport__Output } from '../../src/rpc/generated/blazon/v1/FlowReport.ts'
import type { FlowReportAck } from '../../src/rpc/generated/blazon/v1/FlowReportAck.ts'
import type { IssueWorkloadTokenResponse } from '../../src/rpc/generated/blazon/v1/IssueWorkloadTokenResponse.ts'
import type { RenewRequest__Output } from '../../src/rpc/generated/blazon/v1/RenewRequest.ts'
import type { WatchRequest__Output } from '../../src/rpc/generated/blazon/v1/WatchRequest.ts'
import type { WatchUpdate } from '../../src/rpc/generated/blazon/v1/WatchUpdate.ts'
import { eventually } from './poll.ts'
import { createTestCa, newKeys, type LeafFaults, type TestCa, type TestLeaf } from './test-ca.ts'

/** What the fake issues to a workload of this name. */
export interface FakeWorkload {
  attributes: readonly Attribute[]
  ttlMs: number
  generation: number
  readonly workloadId: string
  /** What is wrong with the next SVIDs. */
  faults: LeafFaults
}

export const joinToken = 'a-join-token'

/**
 * Enrolment and Mesh over real TLS and gRPC, with a test authority behind and no memory but RAM. It
 * checks what a sidecar signs, notes what it says, and does as the test tells it.
 */
export class FakeController implements AsyncDisposable {
  readonly ca: TestCa
  readonly attests: AttestRequest__Output[] = []
  readonly renewals: RenewRequest__Output[] = []
  readonly acknowledged: { readonly name: string; readonly version: number }[] = []
  readonly rejected: { readonly version: number; readonly reason: string }[] = []
  readonly records: FlowRecord__Output[] = []
  readonly reports: FlowReport__Output[] = []
  watchesRefused = 0
  readonly watchOpens: {
    readonly name: string
    readonly serial: string
    readonly schemaVersion: number
  }[] = []
  readonly #workloads = new Map<string, FakeWorkload>()
  readonly #nameBySerial = new Map<string, string>()
  readonly #nodeKeys = new Map<string, Buffer>()
  readonly #nonces = new Set<string>()
  readonly #watches = new Map<ServerDuplexStream<WatchRequest__Output, WatchUpdate>, string>()
  readonly #presented: TestLeaf
  #grpc: Server | undefined
  #tls: TlsServer | undefined
  readonly #sockets = new Map<string, TLSSocket>()
  readonly #connections = new Set<Socket>()
  #port = 0
  #sequence = 0
  #version = 1
  #documents: readonly Document[] = []
  readonly #documentsFor = new Map<string, readonly Document[]>()
  #bundle: TrustBundle | undefined
  #floors: Floors = noFloors
  /** Addresses of workloads that every snapshot names, 4 or 16 bytes each. */
  meshAddresses: readonly Buffer[] = []
  /** Answers to Renew are made but not sent while this is set. */
  loseRenewAnswers = false
  refuseRenewals = false
  refuseEnrolments = false
  refuseTokens = false
  /** What signs workload identity tokens. */
  readonly tokenKey: SigningKey & { readonly spki: Buffer } = newTokenKey()
  /** Certificates are issued as ever, and none of them is accepted. */
  refuseWatches = false

  constructor(options: { readonly ca?: TestCa; readonly presented?: TestLeaf } = {}) {
    this.ca = options.ca ?? createTestCa()
    this.#presented = options.presented ?? this.ca.controller()
  }

  get address(): HostPort {
    return { host: '127.0.0.1', port: this.#port }
  }

  get trustDomain(): string {
    return this.ca.trustDomain
  }

  get root(): Buffer {
    return this.ca.root.certificate
  }

  get joinToken(): string {
    return joinToken
  }

  /** The bundle as it is handed out. */
  get trust(): TrustBundle {
    const { keyId, spki } = this.tokenKey
    const notAfter = this.ca.now + 24 * 3_600_000
    const jwtKeys = [{ keyId, spki, use: 'workload-token' as const, notAfter }]
    return this.#bundle ?? this.ca.bundle({ jwtKeys })
  }

  get version(): number {
    return this.#version
  }

  get watching(): readonly string[] {
    return [...this.#watches.values()]
  }

  workload(name: string): FakeWorkload {
    const known = this.#workloads.get(name) ?? {
      attributes: [{ key: 'label.app', value: name, provenance: 'assigned' as const }],
      ttlMs: 3_600_000,
      generation: 1,
      workloadId: randomBytes(16).toString('hex'),
      faults: {},
    }
    this.#workloads.set(name, known)
    return known
  }

  /** Listens, on the same port as before if there was one. */
  async start(): Promise<this> {
    const grpc = new Server()
    grpc.addService(enrolmentService, { Challenge: this.#challenge, Attest: this.#attest })
    grpc.addService(meshService, {
      Watch: this.#watch,
      Renew: this.#renew,
      ReportFlows: this.#reportFlows,
      IssueWorkloadToken: this.#issueToken,
    })
    const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure())
    const tls = createServer({
      cert: [...this.#presented.chain, this.ca.root.certificate].map(toPem).join(''),
      key: this.#presented.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      ca: toPem(this.ca.root.certificate),
      minVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
    })
    // Also those that are still in their handshake: `close` waits for them.
    tls.on('connection', (socket: Socket) => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
    })
    tls.on('tlsClientError', (_error, socket) => socket.destroy())
    tls.on('secureConnection', (socket) => {
      const name = `connection-${String(++this.#sequence)}`
      this.#sockets.set(name, socket)
      socket.on('error', () => undefined)
      socket.once('close', () => this.#sockets.delete(name))
      Object.defineProperty(socket, 'remoteAddress', { value: name })
      Object.defineProperty(socket, 'remotePort', { value: undefined })
      injector.injectConnection(socket)
    })
    tls.listen(this.#port, '127.0.0.1')
    await once(tls, 'listening')
    this.#port = (tls.address() as AddressInfo).port
    this.#grpc = grpc
    this.#tls = tls
    return this
  }

  /** Drops every connection and stops listening; `start` brings it back. */
  async stop(): Promise<void> {
    const tls = this.#tls
    if (tls === undefined) return
    this.#tls = undefined
    this.#grpc?.forceShutdown()
    const closed = once(tls, 'close')
    tls.close()
    for (const socket of this.#sockets.values()) socket.destroy()
    for (const socket of this.#connections) socket.destroy()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Resolves when this sidecar has acknowledged this version. */
  async taken(name: string, version: number): Promise<void> {
    await eventually(`version ${String(version)} at ${name}`, () =>
      this.acknowledged.some((one) => one.name === name && one.version === version),
    )
  }

  /** Makes these documents the policy, as a new version, and pushes it. */
  setPolicy(text: string): number {
    return this.setDocuments(encodeDocuments(text))
  }

  /** As `setPolicy`, for one workload alone: the two ends of a connection then go by different policies. */
  setPolicyFor(name: string, text: string): number {
    this.#documentsFor.set(name, encodeDocuments(text))
    return this.setDocuments(this.#documents)
  }

  /** As `setPolicy`, without looking at what is sent. */
  setDocuments(documents: readonly Document[], version: number = this.#version + 1): number {
    this.#documents = documents
    this.#version = version
    for (const [watch, name] of this.#watches) watch.write(this.#snapshot(name))
    return version
  }

  setBundle(bundle: TrustBundle): void {
    this.#bundle = bundle
    this.setDocuments(this.#documents)
  }

  /** Raises floors and pushes the list, without a new policy version. */
  setFloors(floors: readonly Floor[]): void {
    this.#floors = createFloors(this.#floors.version + 1, floors)
    this.#push({ floors: toWireFloors(this.#floors) })
  }

  /** Revokes whatever a workload has been issued so far. */
  revoke(name: string): void {
    const { workloadId, generation } = this.workload(name)
    const untilMs = Date.now() + 3_600_000
    this.setFloors([{ workloadId, lowestGoodGeneration: generation + 1, untilMs }])
  }

  renewNow(reason = 'labels have changed'): void {
    this.#push({ renewNow: { reason } })
  }

  heartbeat(controllerTimeMs: number): void {
    this.#push({ heartbeat: { controllerTimeMs } })
  }

  #push(update: WatchUpdate): void {
    for (const watch of this.#watches.keys()) watch.write(update)
  }

  #snapshot(name: string): WatchUpdate {
    const bundle = toWireBundle(this.trust)
    const documents = [...(this.#documentsFor.get(name) ?? this.#documents)]
    const meshAddresses = [...this.meshAddresses]
    return { snapshot: { version: this.#version, bundle, documents, meshAddresses } }
  }

  readonly #challenge = (_call: unknown, answer: sendUnaryData<ChallengeResponse>): void => {
    const nonce = randomBytes(32)
    this.#nonces.add(nonce.toString('hex'))
    const expiresAtMs = Date.now() + 60_000
    answer(null, { nonce, expiresAtMs, trustDomain: this.ca.trustDomain })
  }

  readonly #attest = (
    call: ServerUnaryCall<AttestRequest__Output, AttestResponse>,
    answer: sendUnaryData<AttestResponse>,
  ): void => {
    const { request } = call
    this.attests.push(request)
    const { nonce, evidence, subject, csr, nodeKey, signature } = request
    const transcript = attestTranscript({ ...this.#head(nonce), evidence, subject, csr, nodeKey })
    const isSigned = verifyTranscript(parsePublicKey(nodeKey), transcript, signature)
    const isProven = evidenceCodec.decode(evidence).joinToken?.token === joinToken
    const isGood = this.#nonces.delete(nonce.toString('hex')) && isSigned && isProven
    if (!isGood || this.refuseEnrolments) {
      answer({ code: status.UNAUTHENTICATED, details: 'the proof of identity is not accepted' })
      return
    }
    const { workload } = subjectCodec.decode(subject)
    this.#nodeKeys.set(workload, nodeKey)
    answer(null, this.#issue(workload, csr))
  }

  readonly #renew = (
    call: ServerUnaryCall<RenewRequest__Output, AttestResponse>,
    answer: sendUnaryData<AttestResponse>,
  ): void => {
    const { nonce, subject, csr, signature } = call.request
    this.renewals.push(call.request)
    const caller = this.#callerOf(call.getPeer())
    const nodeKey = caller && this.#nodeKeys.get(caller.name)
    if (caller === undefined || nodeKey === undefined || this.refuseRenewals) {
      answer({ code: status.PERMISSION_DENIED, details: 'no' })
      return
    }
    const { serial } = caller
    const transcript = renewTranscript({ ...this.#head(nonce), subject, csr, serial })
    if (!verifyTranscript(parsePublicKey(nodeKey), transcript, signature)) {
      answer({ code: status.UNAUTHENTICATED, details: 'the proof of identity is not accepted' })
      return
    }
    const issued = this.#issue(caller.name, csr)
    if (this.loseRenewAnswers) answer({ code: status.UNAVAILABLE, details: 'lost' })
    else answer(null, issued)
  }

  #issue(name: string, csr: Buffer): AttestResponse {
    const { attributes, generation, workloadId, ttlMs, faults } = this.workload(name)
    const { spki } = readCsr(csr)
    const now = Date.now()
    const { chain, profile } = this.ca.workload({
      name,
      attributes,
      generation,
      workloadId,
      keys: { spki, privateKey: newKeys().privateKey },
      notBefore: now - 60_000,
      notAfter: now + ttlMs,
      ...faults,
    })
    this.#nameBySerial.set(readCertificate(chain[0]).serial, name)
    return {
      svid: { chain: [...chain], profile: profile.encoded },
      bundle: toWireBundle(this.trust),
      floors: toWireFloors(this.#floors),
      dropped: [],
      controllerTimeMs: now,
    }
  }

  readonly #issueToken = (
    call: ServerUnaryCall<unknown, IssueWorkloadTokenResponse>,
    answer: sendUnaryData<IssueWorkloadTokenResponse>,
  ): void => {
    const certificate = this.#sockets.get(call.getPeer())?.getPeerX509Certificate()
    const { workload, publicKey, notAfter, uris } = readCertificate(certificate?.raw ?? Buffer.of())
    const name = this.#callerOf(call.getPeer())?.name
    if (this.refuseTokens || workload === undefined || name === undefined) {
      answer({ code: status.UNAVAILABLE, details: 'no' })
      return
    }
    const { profile } = createProfile(this.workload(name).attributes)
    const { workloadId, generation } = workload
    const spiffeId = parseSpiffeId(uris[0] ?? '')
    const issuerKeySha256 = this.ca.issuer.keySha256
    const facts = { spiffeId, workloadId, generation, profile, publicKey, issuerKeySha256 }
    void signWorkloadToken(this.tokenKey, { facts, notAfter }, Date.now()).then(
      ({ token, expiresAt }) => {
        answer(null, { token, expiresAtMs: expiresAt })
      },
    )
  }

  readonly #watch = (watch: ServerDuplexStream<WatchRequest__Output, WatchUpdate>): void => {
    const caller = this.#callerOf(watch.getPeer())
    if (caller === undefined) {
      watch.emit('error', { code: status.UNAUTHENTICATED, details: 'no certificate' })
      return
    }
    const { name, serial, workload } = caller
    const lowestGood = workload && this.#floors.lowestGood(workload.workloadId)
    if (this.refuseWatches || (lowestGood ?? 0) > (workload?.generation ?? 0)) {
      this.watchesRefused += 1
      watch.emit('error', { code: status.UNAUTHENTICATED, details: 'below its floor' })
      return
    }
    watch.on('data', (request: WatchRequest__Output) => {
      if (request.open) {
        const { schemaVersion } = request.open
        this.watchOpens.push({ name, serial, schemaVersion })
        this.#watches.set(watch, name)
        if (this.#floors.version > 0) watch.write({ floors: toWireFloors(this.#floors) })
        watch.write(this.#snapshot(name))
        watch.write({ heartbeat: { controllerTimeMs: Date.now() } })
      } else if (request.acknowledge) {
        this.acknowledged.push({ name, version: request.acknowledge.version })
      } else if (request.reject) {
        this.rejected.push(request.reject)
      }
    })
    const forget = (): void => {
      this.#watches.delete(watch)
    }
    watch.on('cancelled', forget)
    watch.on('error', forget)
    watch.on('end', () => {
      forget()
      watch.end()
    })
  }

  readonly #reportFlows = (
    call: ServerUnaryCall<FlowReport__Output, FlowReportAck>,
    answer: sendUnaryData<FlowReportAck>,
  ): void => {
    this.reports.push(call.request)
    this.records.push(...call.request.records)
    answer(null, { sequence: call.request.sequence })
  }

  #head(nonce: Buffer): { trustDomain: string; controllerKeySha256: string; nonce: Buffer } {
    return {
      trustDomain: this.ca.trustDomain,
      controllerKeySha256: keySha256(this.#presented.spki),
      nonce,
    }
  }

  #callerOf(
    connection: string,
  ): { name: string; serial: string; workload: WorkloadFacts | undefined } | undefined {
    const certificate = this.#sockets.get(connection)?.getPeerX509Certificate()
    if (certificate === undefined) return undefined
    const { serial, workload } = readCertificate(certificate.raw)
    const name = this.#nameBySerial.get(serial)
    return name === undefined ? undefined : { name, serial, workload }
  }
}

function newTokenKey(): SigningKey & { readonly spki: Buffer } {
  const { privateKey, spki } = newKeys()
  return { keyId: keySha256(spki), publicKey: parsePublicKey(spki), privateKey, spki }
}

/** Documents as the controller sends them. */
export function encodeDocuments(text: string): Document[] {
  return parseDocuments(text).map((document) => ({
    kind: document.kind,
    name: document.name,
    namespace: document.namespace,
    revision: 1,
    specJson: encodeSpec(document),
  }))
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
