import { expect } from 'chai'
import { codeOf } from '../../src/base/errors.ts'

type ErrorClass<Code extends string> = abstract new (code: Code, message: string) => Error

/** Checks that `work` throws an error of this class with this code. */
export function expectError<Code extends string>(
  work: () => unknown,
  kind: ErrorClass<Code>,
  code: Code,
): void {
  let thrown: unknown
  try {
    work()
  } catch (error: unknown) {
    thrown = error
  }
  expect(thrown).to.be.instanceOf(kind)
  expect(codeOf(thrown)).to.equal(code)
}

/** Checks that a promise is rejected with an error of this class with this code. */
export async function expectRejection<Code extends string>(
  work: Promise<unknown>,
  kind: ErrorClass<Code>,
  code: Code,
): Promise<void> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).to.be.instanceOf(kind)
  expect(codeOf(thrown)).to.equal(code)
}
