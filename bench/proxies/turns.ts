import { messageOf } from '../../src/base/errors.ts'
import type { Contender } from './pair.ts'

/** Contenders that do something one after the other, again and again. */
export interface Turns {
  /** One turn for each. Another that fails is named and has no more turns; where ours fails, this does. */
  take(act: (contender: Contender) => Promise<void>): Promise<void>
  /** What has to be said beside the rows. */
  note(): { readonly note?: string }
}

/** Ours is the first. */
export function createTurns(
  contenders: readonly [Contender, ...Contender[]],
  say: (text: string) => void,
): Turns {
  const failed = new Set<Contender>()
  return {
    take: async (act) => {
      for (const contender of contenders) {
        if (failed.has(contender)) continue
        try {
          await act(contender)
        } catch (error: unknown) {
          if (contender === contenders[0]) throw error
          say(`${contender.name} takes no part any more: ${messageOf(error)}`)
          failed.add(contender)
        }
      }
    },
    note: () => missingNote([...failed].map(({ name }) => `${name} failed`)),
  }
}

/** Names whoever could not be measured; nothing where nobody is. */
export function missingNote(missing: readonly string[]): { readonly note?: string } {
  return missing.length === 0 ? {} : { note: `${missing.join('; ')}.` }
}
