import type { Clock } from '../../base/clock.ts'
import type { HostPort } from '../../base/env.ts'
import { answeredAddresses, type AnsweredAddresses } from './answered-addresses.ts'
import { readDnsMessage, type DnsMessage } from './dns-message.ts'
import { capLives, failureFor } from './dns-reply.ts'
import { createLearnedNames } from './learned-names.ts'
import { ownQuery } from './own-query.ts'
import { askResolvers, type DnsTransport } from './resolver-query.ts'

/** What the sidecar knows of names: what it has asked its resolvers, and nothing else. Disposing of it gives up what is being asked. */
export interface NameService extends Disposable {
  /** The names that an address (in canonical form) has now, among those that matter. */
  readonly namesOf: (address: string) => readonly string[]
  /**
   * Asks for a program, learns, and only then answers. Undefined where the bytes are no query; a
   * failure where no resolver answers, or where too many are being asked.
   */
  answer(query: Buffer, transport: DnsTransport): Promise<Buffer | undefined>
  /** Asks by itself: the addresses of a name, IPv4 before IPv6; empty where no resolver has any. */
  readonly lookUp: (name: string) => Promise<readonly string[]>
  /** Takes what another process of this sidecar has learned. */
  learn(answer: AnsweredAddresses): void
  /** What it has learned, as far as it is still good. */
  known(): readonly AnsweredAddresses[]
}

/** Longer than any query that is about one name. */
export const longestQuery = 4_096
const mostAsked = 256

/**
 * `isOfInterest`: only names that something goes by are kept, so that other questions push none of them
 * out. `onLearned` is waited for before a program has its answer.
 */
export function createNameService(options: {
  readonly resolvers: readonly HostPort[]
  readonly isOfInterest: (name: string) => boolean
  readonly onLearned?: (answer: AnsweredAddresses) => Promise<void>
  readonly clock: Pick<Clock, 'monotonic'>
}): NameService {
  const { resolvers, isOfInterest, onLearned } = options
  const names = createLearnedNames(options.clock)
  const stop = new AbortController()
  let asked = 0

  const ask = async (query: DnsMessage, via: DnsTransport): Promise<DnsMessage | undefined> => {
    if (asked >= mostAsked) return undefined
    asked++
    try {
      return await askResolvers(resolvers, query, via, stop.signal)
    } finally {
      asked--
    }
  }

  const learn = async (answer: DnsMessage): Promise<readonly string[]> => {
    const learned = answeredAddresses(answer)
    if (learned === undefined) return []
    if (isOfInterest(learned.name)) {
      names.learn(learned)
      await onLearned?.(learned)
    }
    return learned.addresses
  }

  const lookUp = async (name: string, type: 'a' | 'aaaa'): Promise<readonly string[]> => {
    const query = ownQuery(name, type)
    const answer = await ask(query, 'udp')
    const whole = answer?.isTruncated === true ? await ask(query, 'tcp') : answer
    return whole === undefined ? [] : await learn(whole)
  }

  return {
    namesOf: names.namesOf,
    learn: names.learn,
    known: names.known,
    lookUp: async (name) => {
      const found = await lookUp(name, 'a')
      return found.length > 0 ? found : await lookUp(name, 'aaaa')
    },
    answer: async (bytes, transport) => {
      const query = readQuery(bytes)
      if (query === undefined) return undefined
      const answer = await ask(query, transport)
      if (answer === undefined) return failureFor(query)
      await learn(answer)
      return capLives(answer, query.id)
    },
    [Symbol.dispose]: () => {
      stop.abort()
    },
  }
}

/** One plain query with nothing answered in it. */
function readQuery(bytes: Buffer): DnsMessage | undefined {
  if (bytes.length > longestQuery) return undefined
  const query = readDnsMessage(bytes)
  if (query === undefined || query.isAnswer || query.operation !== 0) return undefined
  return query.answers.length === 0 ? query : undefined
}
