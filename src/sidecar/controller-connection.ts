import type { KeyObject } from 'node:crypto'
import { isIP, isIPv6 } from 'node:net'
import { createSecureContext } from 'node:tls'
import { Client, ChannelCredentials, type ClientDuplexStream } from '@grpc/grpc-js'
import type { HostPort } from '../base/env.ts'
import {
  controllerRefusal,
  presentedChain,
  rootsOfTrust,
  verifyController,
  type ControllerTrust,
} from '../identity/verify-controller.ts'
import { enrolmentService, meshService } from '../rpc/index.ts'
import type { AttestRequest } from '../rpc/generated/blazon/v1/AttestRequest.ts'
import type { AttestResponse__Output } from '../rpc/generated/blazon/v1/AttestResponse.ts'
import type { ChallengeResponse__Output } from '../rpc/generated/blazon/v1/ChallengeResponse.ts'
import type { FlowReport } from '../rpc/generated/blazon/v1/FlowReport.ts'
import type { FlowReportAck__Output } from '../rpc/generated/blazon/v1/FlowReportAck.ts'
import type { IssueWorkloadTokenResponse__Output } from '../rpc/generated/blazon/v1/IssueWorkloadTokenResponse.ts'
import type { RenewRequest } from '../rpc/generated/blazon/v1/RenewRequest.ts'
import type { RenewResponse__Output } from '../rpc/generated/blazon/v1/RenewResponse.ts'
import type { WatchRequest } from '../rpc/generated/blazon/v1/WatchRequest.ts'
import type { WatchUpdate__Output } from '../rpc/generated/blazon/v1/WatchUpdate.ts'
import { callDuplex, callUnary } from './grpc-call.ts'
import { SidecarError } from './sidecar-error.ts'

/** One connection to one controller; calls reject with gRPC's error, or with why TLS refused. */
export interface ControllerConnection {
  readonly address: HostPort
  /** SHA-256 (hex) of the key of the controller that answered; `undefined` before it has. */
  controllerKeySha256(): string | undefined
  challenge(signal: AbortSignal): Promise<ChallengeResponse__Output>
  attest(request: AttestRequest, signal: AbortSignal): Promise<AttestResponse__Output>
  renew(request: RenewRequest, signal: AbortSignal): Promise<RenewResponse__Output>
  reportFlows(report: FlowReport, signal: AbortSignal): Promise<FlowReportAck__Output>
  issueWorkloadToken(signal: AbortSignal): Promise<IssueWorkloadTokenResponse__Output>
  watch(): ClientDuplexStream<WatchRequest, WatchUpdate__Output>
  close(): void
}

/** With what a sidecar shows who it is; without it only `Enrolment` answers. */
export interface ClientCertificate {
  readonly chain: readonly Buffer[]
  readonly privateKey: KeyObject
}

const callTimeoutMs = 15_000
const largestMessageBytes = 64 * 1024 * 1024

/** TLS 1.3 with every session verified by `trust`; nothing is sent before it has said yes. */
export function connectController(options: {
  readonly address: HostPort
  readonly trust: ControllerTrust
  readonly clock: { now(): number }
  readonly certificate?: ClientCertificate
}): ControllerConnection {
  const { address, trust, clock } = options
  let controllerKey: string | undefined
  const credentials = ChannelCredentials.createFromSecureContext(
    createSecureContext({
      ca: rootsOfTrust(trust).map((der) => toPem(der)),
      minVersion: 'TLSv1.3',
      ecdhCurve: 'X25519MLKEM768:X25519:P-256',
      ...(options.certificate && presented(options.certificate)),
    }),
    {
      // A resumed session would skip this check; grpc-js keeps no session, so each one is a full handshake.
      checkServerIdentity: (_host, certificate) => {
        const chain = presentedChain(certificate).slice(0, 2)
        const verdict = verifyController({ chain, trust, now: clock.now() })
        if (!verdict.ok) return refused(controllerRefusal(verdict))
        controllerKey = verdict.controller.keySha256
        return undefined
      },
    },
  )
  const client = new Client(targetOf(address), credentials, {
    // SNI may not be an address, and the name is not what is checked.
    'grpc.ssl_target_name_override': 'controller',
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
    // What a TXT record says is nobody's word; where none is answered, the query outlives the call.
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.max_receive_message_length': largestMessageBytes,
    'grpc.max_send_message_length': largestMessageBytes,
  })
  const within = (signal: AbortSignal): { timeoutMs: number; signal: AbortSignal } => ({
    timeoutMs: callTimeoutMs,
    signal,
  })
  return {
    address,
    controllerKeySha256: () => controllerKey,
    challenge: async (signal) =>
      await callUnary(client, enrolmentService.Challenge, {}, within(signal)),
    attest: async (request, signal) =>
      await callUnary(client, enrolmentService.Attest, request, within(signal)),
    renew: async (request, signal) =>
      await callUnary(client, meshService.Renew, request, within(signal)),
    reportFlows: async (report, signal) =>
      await callUnary(client, meshService.ReportFlows, report, within(signal)),
    issueWorkloadToken: async (signal) =>
      await callUnary(client, meshService.IssueWorkloadToken, {}, within(signal)),
    watch: () => callDuplex(client, meshService.Watch),
    close: () => {
      client.close()
    },
  }
}

function refused(detail: string): SidecarError {
  return new SidecarError('ERR_CONTROLLER_IDENTITY', `not the controller: ${detail}`)
}

function presented({ chain, privateKey }: ClientCertificate): { cert: string; key: string } {
  return {
    cert: chain.map((der) => toPem(der)).join(''),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }),
  }
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function targetOf({ host, port }: HostPort): string {
  if (isIPv6(host)) return `ipv6:[${host}]:${String(port)}`
  return isIP(host) === 0 ? `dns:${host}:${String(port)}` : `ipv4:${host}:${String(port)}`
}
