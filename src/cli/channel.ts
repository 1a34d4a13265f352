import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import type { KeyObject } from 'node:crypto'
import { credentials, type ChannelCredentials, type ClientOptions } from '@grpc/grpc-js'
import { formatHostPort, type HostPort } from '../base/env.ts'
import { messageOf } from '../base/errors.ts'
import type { TrustDomain } from '../identity/spiffe-id.ts'
import {
  controllerRefusal,
  presentedChain,
  rootByFingerprint,
  rootsOfTrust,
  verifyController,
  type ControllerTrust,
} from '../identity/verify-controller.ts'
import { CliError } from './failure.ts'
import { toPem } from './pem.ts'

/** What the client proves itself with. */
export interface Credential {
  /** DER, leaf first. */
  readonly chain: readonly Buffer[]
  readonly privateKey: KeyObject
}

/** The security of one connection, and what was learnt while it was set up. */
export interface Channel {
  readonly credentials: ChannelCredentials
  readonly options: ClientOptions
  /** Why the controller's certificate was refused, if it was. */
  refusal(): string | undefined
  /** The trust domain that the controller has proved, once a connection stands. */
  trustDomain(): TrustDomain | undefined
}

/** The controller is known by its SPIFFE ID; this name only keeps addresses out of the SNI. */
const serverName = 'controller.blazon.invalid'
const groups = 'X25519MLKEM768:X25519:P-256'
const alpn = 'h2'

/** TLS 1.3 with our own check of the controller; no server name or public root plays a part. */
export function createChannel(input: {
  readonly trust: ControllerTrust
  readonly credential?: Credential | undefined
  readonly now: () => number
}): Channel {
  let refusal: string | undefined
  let trustDomain: TrustDomain | undefined
  const channelCredentials = credentials.createFromSecureContext(
    contextOf(input.trust, input.credential),
    {
      checkServerIdentity: (_name, peer) => {
        const chain = presentedChain(peer).slice(0, 2)
        const verdict = verifyController({ chain, trust: input.trust, now: input.now() })
        if (verdict.ok) {
          trustDomain = verdict.trustDomain
          return undefined
        }
        refusal = controllerRefusal(verdict)
        return new Error(refusal)
      },
    },
  )
  return {
    credentials: channelCredentials,
    options: {
      'grpc.ssl_target_name_override': serverName,
      'grpc.default_authority': serverName,
      // Connections are shared by target and credentials otherwise, and outlive their client.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      // A followed stream is quiet for long; a controller that has gone silently is noticed all the same.
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.enable_http_proxy': 0,
      // What a TXT record says is nobody's word; where none is answered, the query outlives the call.
      'grpc.service_config_disable_resolution': 1,
      'grpc.max_receive_message_length': 64 * 1024 * 1024,
    },
    refusal: () => refusal,
    trustDomain: () => trustDomain,
  }
}

function contextOf(trust: ControllerTrust, credential: Credential | undefined): SecureContext {
  return createSecureContext({
    ca: rootsOfTrust(trust).map(toPem),
    minVersion: 'TLSv1.3',
    ecdhCurve: groups,
    ...(credential === undefined
      ? {}
      : {
          cert: credential.chain.map(toPem).join(''),
          key: credential.privateKey.export({ type: 'pkcs8', format: 'pem' }),
        }),
  })
}

/**
 * Fetches the root whose SHA-256 is `fingerprint` out of the chain that the controller presents.
 * Nothing is sent to the peer and nothing else of it is believed: the caller connects again, anchored in the root.
 */
export async function fetchRoot(
  address: HostPort,
  fingerprint: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const chain = await fetchChain(address, signal)
  const root = rootByFingerprint(chain, fingerprint)
  if (root === undefined) {
    throw new CliError(
      'ERR_CREDENTIAL',
      `the controller at ${formatHostPort(address)} shows no root with the fingerprint ${fingerprint}`,
      {
        hints: [
          'compare it with the one that the controller logs at its start',
          'if it is the same, something else answers at this address',
        ],
      },
    )
  }
  return root
}

async function fetchChain(address: HostPort, signal: AbortSignal): Promise<readonly Buffer[]> {
  const tcp = connectTcp({ host: address.host, port: address.port })
  const socket = connectTls({
    socket: tcp,
    servername: serverName,
    // The chain is looked at here, not trusted: see fetchRoot().
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    ecdhCurve: groups,
    ALPNProtocols: [alpn],
  })
  // A TCP failure reaches the TLS socket as its own error; unheard, it would end the process.
  tcp.on('error', (error) => socket.destroy(error))
  try {
    await once(socket, 'secureConnect', { signal })
    return presentedChain(socket.getPeerCertificate(true))
  } catch (cause) {
    throw new CliError(
      'ERR_UNREACHABLE',
      `cannot reach the controller at ${formatHostPort(address)}: ${messageOf(cause)}`,
      { cause, hints: ['is it running, and is the address right?'] },
    )
  } finally {
    socket.destroy()
    tcp.destroy()
  }
}
