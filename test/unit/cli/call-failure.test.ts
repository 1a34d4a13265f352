import { Metadata, status, type ServiceError } from '@grpc/grpc-js'
import { expect } from 'chai'
import { callFailure } from '../../../src/cli/call-failure.ts'

const at = { address: 'controller:7443', refusal: undefined }

function answer(code: status, details: string): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata: new Metadata() })
}

describe('callFailure()', () => {
  for (const [code, expected, sentence] of [
    [status.PERMISSION_DENIED, 'ERR_NOT_PERMITTED', 'not permitted: x'],
    [status.UNAUTHENTICATED, 'ERR_CREDENTIAL', 'the controller does not accept this credential: x'],
    [status.NOT_FOUND, 'ERR_NOT_FOUND', 'x'],
    [status.ALREADY_EXISTS, 'ERR_CONFLICT', 'x'],
    [status.ABORTED, 'ERR_CONFLICT', 'the change met another one: x'],
    [status.FAILED_PRECONDITION, 'ERR_CONTROLLER_REFUSED', 'refused: x'],
    [status.RESOURCE_EXHAUSTED, 'ERR_LIMIT', 'a limit was reached: x'],
    [status.DEADLINE_EXCEEDED, 'ERR_TIMEOUT', 'the controller did not answer in time: x'],
    [status.UNIMPLEMENTED, 'ERR_VERSION', 'the controller does not know this call: x'],
    [status.INTERNAL, 'ERR_CONTROLLER_FAILED', 'the controller failed: x'],
    [status.DATA_LOSS, 'ERR_CONTROLLER_FAILED', 'the controller failed: x'],
    [status.CANCELLED, 'ERR_INTERRUPTED', 'interrupted: x'],
    [status.UNAVAILABLE, 'ERR_UNREACHABLE', 'the controller at controller:7443 is unavailable: x'],
  ] as const) {
    it(`maps ${status[code]} to ${expected}`, () => {
      const failure = callFailure(answer(code, 'x'), at)
      expect([failure.code, failure.message]).to.deep.equal([expected, sentence])
      expect(failure.cause).to.be.instanceOf(Error)
    })
  }

  it('puts each problem of an invalid document on its own line', () => {
    const failure = callFailure(
      answer(status.INVALID_ARGUMENT, 'a.yaml:3:1: unknown field "frm"\na.yaml:9:5: bad\n'),
      at,
    )
    expect(failure.code).to.equal('ERR_INVALID')
    expect(failure.message).to.equal('refused for 2 problems')
    expect(failure.problems).to.deep.equal(['a.yaml:3:1: unknown field "frm"', 'a.yaml:9:5: bad'])
  })

  it('says what kept the connection from being made', () => {
    const failure = callFailure(
      answer(
        status.UNAVAILABLE,
        'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ',
      ),
      at,
    )
    expect(failure.code).to.equal('ERR_UNREACHABLE')
    expect(failure.message).to.equal(
      'cannot reach the controller at controller:7443: connect ECONNREFUSED 127.0.0.1:1',
    )
  })

  it('never words a refused certificate as an outage', () => {
    for (const failure of [
      callFailure(answer(status.UNAVAILABLE, 'x'), { ...at, refusal: 'expired: yesterday' }),
      callFailure(
        answer(
          status.UNAVAILABLE,
          'No connection established. Last error: Error: self-signed certificate in certificate chain. Resolution note: ',
        ),
        at,
      ),
    ]) {
      expect(failure.code).to.equal('ERR_CREDENTIAL')
      expect(failure.message).to.match(/^what answers at controller:7443 is not our controller: /)
    }
  })
})
