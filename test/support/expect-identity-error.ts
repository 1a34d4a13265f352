import { expect } from 'chai'
import { IdentityError, type IdentityErrorCode } from '../../src/identity/identity-error.ts'

/** Runs what must throw an `IdentityError` with this code, and returns the error. */
export function expectIdentityError(code: IdentityErrorCode, run: () => unknown): IdentityError {
  try {
    run()
  } catch (error: unknown) {
    if (!(error instanceof IdentityError)) throw error
    expect(error.code, error.message).to.equal(code)
    return error
  }
  throw new Error(`expected ${code}, but nothing was thrown`)
}
