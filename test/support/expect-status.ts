import { status, type ServiceError } from '@grpc/grpc-js'
import { expect } from 'chai'
import { messageOf } from '../../src/base/errors.ts'

/** Checks that a call is refused with this status, and returns what it was told. */
export async function expectStatus(
  call: Promise<unknown>,
  code: keyof typeof status,
  words?: RegExp,
): Promise<string> {
  const refusal = await call.then(
    () => {
      throw new Error(`expected ${code}, but the call succeeded`)
    },
    (error: unknown) => error as Partial<ServiceError>,
  )
  const seen = `${String(status[refusal.code ?? -1])}: ${refusal.details ?? messageOf(refusal)}`
  expect(seen.split(':')[0], seen).to.equal(code)
  if (words !== undefined) expect(refusal.details).to.match(words)
  return refusal.details ?? ''
}

/** Polls until the check holds, or fails with what it said last. */
export async function eventually(
  check: () => Promise<void> | void,
  withinMs = 5_000,
): Promise<void> {
  const endMs = performance.now() + withinMs
  for (;;) {
    try {
      await check()
      return
    } catch (error: unknown) {
      if (performance.now() > endMs) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
