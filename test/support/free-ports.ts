import { codeOf } from '../../src/base/errors.ts'

const mostTries = 20

/**
 * Opens what listens on one port in two ways: the kernel gives one that is free in the first, and may
 * have given it away in the second, so then it is tried again.
 */
export async function onPortFreeTwice<T>(open: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await open()
    } catch (error: unknown) {
      if (tries === mostTries || !isInUse(error)) throw error
    }
  }
}

function isInUse(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return codeOf(error) === 'EADDRINUSE' || codeOf(cause) === 'EADDRINUSE'
}
