import type { Agent, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { HostPort } from '../../base/env.ts'
import type { HttpRequest } from '../../policy/index.ts'
import type { Judgement } from '../judgement.ts'
import { answer, rawAnswer, statusOf } from './answer.ts'
import { createSenderAgents } from './application-agent.ts'
import { clientCertHeader, forwardedLines } from './header-lines.ts'
import {
  emptyBody,
  holdBody,
  type BodyMemory,
  type BodyRefusal,
  type HeldBody,
} from './held-body.ts'
import type { CheckedRequest, RequestFault } from './request-check.ts'
import { forwardRequest } from './request-forward.ts'
import { createStrictServer } from './strict-server.ts'
import { relayWebSocket } from './web-socket.ts'

/** A request that can be read in one way, of which nobody has decided yet. */
export interface ArrivedRequest {
  readonly checked: CheckedRequest
  /** Path and query as they stand in it. */
  readonly target: string
  /** Reads its body, as far as bodies are held. To be called once at most. */
  readonly holdBody: () => Promise<HeldBody | BodyRefusal>
}

/** Policy's word on one request. */
export interface RequestVerdict extends Pick<Judgement, 'verdict' | 'reason'> {
  /** What only a sidecar may say to the other side, by header. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** What was read of its body. */
  readonly body?: HeldBody | undefined
}

/** The HTTP side of one connection from a peer. */
export interface RequestProxyOptions {
  readonly application: HostPort
  /** How long a connection to the application may take to open. */
  readonly connectMs: number
  /** Asked for each request when it arrives, so that a change of policy holds for the next one. */
  readonly decide: (arrived: ArrivedRequest) => RequestVerdict | Promise<RequestVerdict>
  readonly bodies: BodyMemory
  readonly refused: (fault: RequestFault) => void
}

/** A connection whose requests are served. */
export interface ServedRequests {
  /** Allowed requests that are not over: WebSockets, and those whose answers are not finished. */
  readonly underWay: ReadonlySet<HttpRequest>
  /** Ends the connection once no request waits for its answer; a WebSocket is left alone. */
  retire(): void
}

/**
 * Serves the requests of one connection, each decided by itself, over connections to the application
 * that live and end with it: they are never shared with another sender, nor with another connection.
 */
export function serveRequests(connection: Duplex, options: RequestProxyOptions): ServedRequests {
  const agents = createSenderAgents(options.connectMs)
  const wayOf = (headers: RequestVerdict['headers']): { application: HostPort; agent: Agent } => ({
    application: options.application,
    agent: agents.of(headers?.[clientCertHeader] ?? ''),
  })
  connection.once('close', () => {
    agents.destroy()
  })
  const underWay = new Set<HttpRequest>()

  const server = createStrictServer({
    onRequest: (checked, request, response) => {
      const askForBody = onceOnly(() => {
        if (checked.lines.has('expect')) response.writeContinue()
      })
      const arrived = arrivedOf(checked, request, () => {
        askForBody()
        return holdBody(request, response, options.bodies)
      })
      onceDecided(options.decide(arrived), request.socket, ({ verdict, reason, headers, body }) => {
        if (verdict === 'deny') {
          answer(request, response, statusOf(reason), reason)
          return
        }
        underWay.add(checked.request)
        response.once('close', () => underWay.delete(checked.request))
        askForBody()
        request.headers = outgoingHeaders(checked, headers)
        forwardRequest(request, response, { ...wayOf(headers), body })
      })
    },
    onUpgrade: (checked, request, socket, head) => {
      const arrived = arrivedOf(checked, request, () => Promise.resolve(emptyBody))
      onceDecided(options.decide(arrived), socket, ({ verdict, reason, headers }) => {
        if (verdict === 'deny') {
          socket.end(rawAnswer(statusOf(reason), reason))
          return
        }
        underWay.add(checked.request)
        socket.once('close', () => underWay.delete(checked.request))
        const outgoing = outgoingHeaders(checked, headers)
        request.headers = { ...outgoing, connection: 'Upgrade', upgrade: 'websocket' }
        relayWebSocket(request, socket, head, wayOf(headers))
      })
    },
    onRefused: options.refused,
  })
  server.serve(connection)
  return {
    underWay,
    retire: () => {
      server.retire(connection)
    },
  }
}

function arrivedOf(
  checked: CheckedRequest,
  { url = '/' }: IncomingMessage,
  holdBody: ArrivedRequest['holdBody'],
): ArrivedRequest {
  return { checked, target: url, holdBody }
}

function onceOnly(work: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) work()
    isDone = true
  }
}

/** Goes on at once where nothing has to be waited for, so that no request overtakes another needlessly. */
function onceDecided(
  decided: RequestVerdict | Promise<RequestVerdict>,
  socket: Duplex,
  proceed: (verdict: RequestVerdict) => void,
): void {
  if (!(decided instanceof Promise)) {
    proceed(decided)
    return
  }
  decided
    .then((verdict) => {
      // Whoever asked may have gone meanwhile.
      if (!socket.destroyed) proceed(verdict)
    })
    .catch(() => {
      // Whatever it was, nobody has allowed this request.
      socket.destroy()
    })
}

/** What the application is sent instead of what the peer sent. */
function outgoingHeaders(
  { lines }: CheckedRequest,
  ours: RequestVerdict['headers'] = {},
): IncomingMessage['headers'] {
  const headers: IncomingMessage['headers'] = { ...ours }
  for (const [name, values] of forwardedLines(lines)) {
    headers[name] = values.length === 1 ? values[0] : [...values]
  }
  return headers
}
