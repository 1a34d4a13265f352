import { messageOf, quote } from '../base/errors.ts'
import { InterceptError } from './intercept-error.ts'
import { runNft, type RunNft } from './nft.ts'
import { checkOptions, type ResolvedOptions } from './options.ts'
import { tableName, type RuleSet } from './rule.ts'
import { buildRuleSet, refuseEverything, removalText, ruleSetText } from './rule-set.ts'
import { differences } from './verify.ts'

/**
 * Puts the rules into the network namespace of this process, in the place of earlier ones, and reads
 * them back. Rejects with `InterceptError`; where what was read back is not what was meant, or cannot
 * be read, rules are left by which nothing goes out or in.
 */
export async function install(options: ResolvedOptions, nft: RunNft = runNft): Promise<void> {
  checkOptions(options)
  const wanted = buildRuleSet(options)
  await nft(['-f', '-'], ruleSetText(wanted))
  const doubt = await doubtAbout(wanted, nft)
  if (doubt !== undefined) throw await close(doubt, nft)
}

/** Takes the rules away; connections then go out as they are. Nothing happens where there are none. */
export async function remove(nft: RunNft = runNft): Promise<void> {
  await nft(['-f', '-'], removalText)
}

/** Why the loaded rules cannot be relied on, if there is a reason. */
async function doubtAbout(wanted: RuleSet, nft: RunNft): Promise<string | undefined> {
  try {
    const found = differences(wanted, await listing(nft))
    if (found.length === 0) return undefined
    return `the rules that the kernel lists are not those that were loaded (${found.join('; ')})`
  } catch (error: unknown) {
    return `the loaded rules cannot be read back (${messageOf(error)})`
  }
}

/** Without rules the workload's connections would go out as they are, so there are some that let none. */
async function close(doubt: string, nft: RunNft): Promise<InterceptError> {
  try {
    await nft(['-f', '-'], ruleSetText(refuseEverything))
    return new InterceptError(
      'ERR_VERIFY',
      `${doubt}; everything is refused in this network namespace until rules are loaded or removed`,
    )
  } catch (cause: unknown) {
    return new InterceptError(
      'ERR_VERIFY',
      `${doubt}, and everything could not be refused either: what is captured is not known`,
      { cause },
    )
  }
}

async function listing(nft: RunNft): Promise<unknown> {
  const text = await nft(['-j', 'list', 'table', 'inet', tableName])
  try {
    return JSON.parse(text)
  } catch (cause: unknown) {
    throw new InterceptError('ERR_NFT', `nft printed no JSON: ${quote(text)}`, { cause })
  }
}
