import { status, type ServiceError } from '@grpc/grpc-js'
import { CliError, type CliErrorCode } from './failure.ts'

/** What the client knows about the connection that a call failed on. */
export interface CallCircumstances {
  /** `host:port` of the controller. */
  readonly address: string
  /** Why the controller's own certificate was refused, if it was. */
  readonly refusal: string | undefined
}

interface Sentence {
  readonly code: CliErrorCode
  readonly prefix: string
  readonly hints: readonly string[]
}

const failed: Sentence = {
  code: 'ERR_CONTROLLER_FAILED',
  prefix: 'the controller failed',
  hints: ["the controller's log says more"],
}

/** One sentence and its likely culprit for each status that is the controller's own answer. */
const sentences: Readonly<Partial<Record<status, Sentence>>> = {
  [status.INVALID_ARGUMENT]: { code: 'ERR_INVALID', prefix: '', hints: [] },
  [status.OUT_OF_RANGE]: { code: 'ERR_INVALID', prefix: '', hints: [] },
  [status.NOT_FOUND]: { code: 'ERR_NOT_FOUND', prefix: '', hints: [] },
  [status.ALREADY_EXISTS]: { code: 'ERR_CONFLICT', prefix: '', hints: [] },
  [status.FAILED_PRECONDITION]: { code: 'ERR_CONTROLLER_REFUSED', prefix: 'refused', hints: [] },
  [status.ABORTED]: {
    code: 'ERR_CONFLICT',
    prefix: 'the change met another one',
    hints: ['look at the present state and try again'],
  },
  [status.PERMISSION_DENIED]: {
    code: 'ERR_NOT_PERMITTED',
    prefix: 'not permitted',
    hints: ['`blazon context` shows the role that this credential has'],
  },
  [status.UNAUTHENTICATED]: {
    code: 'ERR_CREDENTIAL',
    prefix: 'the controller does not accept this credential',
    hints: ['`blazon context` shows when it expires; `blazon login` replaces it'],
  },
  [status.RESOURCE_EXHAUSTED]: {
    code: 'ERR_LIMIT',
    prefix: 'a limit was reached',
    hints: ['wait a moment, or ask for less at once'],
  },
  [status.DEADLINE_EXCEEDED]: {
    code: 'ERR_TIMEOUT',
    prefix: 'the controller did not answer in time',
    hints: ['try again; if it stays so, look at its load and its log'],
  },
  [status.UNIMPLEMENTED]: {
    code: 'ERR_VERSION',
    prefix: 'the controller does not know this call',
    hints: [
      'it is probably older than this program: compare `blazon status` with `blazon --version`',
    ],
  },
  [status.CANCELLED]: { code: 'ERR_INTERRUPTED', prefix: 'interrupted', hints: [] },
  [status.INTERNAL]: failed,
  [status.UNKNOWN]: failed,
  [status.DATA_LOSS]: failed,
}

/** grpc-js says these itself, before any controller has answered. */
const notConnected =
  /^(No connection established|Connection dropped|Name resolution failed|Failed to (connect|start))/
const certificateTrouble = /certificate|unable to (get|verify)/i

/** Turns a failed call into the sentence that a person reads; the gRPC error stays as its cause. */
export function callFailure(error: ServiceError, at: CallCircumstances): CliError {
  if (at.refusal !== undefined) return refusedController(error, at.address, at.refusal)
  if (error.code === status.UNAVAILABLE) return unavailable(error, at.address)
  const sentence = sentences[error.code] ?? failed
  const lines = error.details.split('\n').filter((line) => line.trim() !== '')
  if (sentence.code === 'ERR_INVALID' && lines.length > 1) return invalid(error, lines)
  const [first = '', ...problems] = lines
  const message = [sentence.prefix, first].filter((part) => part !== '').join(': ')
  return new CliError(sentence.code, message === '' ? 'refused without a reason' : message, {
    cause: error,
    problems,
    hints: sentence.hints,
  })
}

/** A document with several problems: one line each, as `file:line:column: what is wrong`. */
function invalid(cause: ServiceError, problems: readonly string[]): CliError {
  return new CliError('ERR_INVALID', `refused for ${String(problems.length)} problems`, {
    cause,
    problems,
  })
}

function unavailable(cause: ServiceError, address: string): CliError {
  if (!notConnected.test(cause.details)) {
    return new CliError(
      'ERR_UNREACHABLE',
      `the controller at ${address} is unavailable: ${cause.details}`,
      {
        cause,
        hints: ['try again; `blazon status` shows whether it has recovered'],
      },
    )
  }
  const last = lastErrorOf(cause.details)
  if (certificateTrouble.test(last)) return refusedController(cause, address, last)
  return new CliError('ERR_UNREACHABLE', `cannot reach the controller at ${address}: ${last}`, {
    cause,
    hints: ['is it running? `blazon context` shows the address in use'],
  })
}

/** `No connection established. Last error: Error: X. Resolution note: Y` is about X. */
function lastErrorOf(details: string): string {
  const last = /Last error: (?:Error: )?(.*?)\.? *(?:Resolution note:.*)?$/s.exec(details)?.[1]
  return last === undefined || last === '' || last === 'null' ? details : last
}

function refusedController(cause: unknown, address: string, refusal: string): CliError {
  return new CliError(
    'ERR_CREDENTIAL',
    `what answers at ${address} is not our controller: ${refusal}`,
    {
      cause,
      hints: [
        'if the controller was set up anew, `blazon login` with its new bundle',
        'if it was not, somebody may be in between: send it nothing',
      ],
    },
  )
}
