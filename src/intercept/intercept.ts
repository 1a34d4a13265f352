import { quote } from '../base/errors.ts'
import { InterceptError } from './intercept-error.ts'
import { runNft, type RunNft } from './nft.ts'
import { checkOptions, type ResolvedOptions } from './options.ts'
import { tableName } from './rule.ts'
import { buildRuleSet, removalText, ruleSetText } from './rule-set.ts'
import { differences } from './verify.ts'

/**
 * Puts the rules into the network namespace of this process, in the place of earlier ones, and reads
 * them back. Rejects with `InterceptError`; where what was read back is not what was meant, no rules are left.
 */
export async function install(options: ResolvedOptions, nft: RunNft = runNft): Promise<void> {
  checkOptions(options)
  const wanted = buildRuleSet(options)
  await nft(['-f', '-'], ruleSetText(wanted))
  const found = differences(wanted, await listing(nft))
  if (found.length === 0) return
  await remove(nft)
  throw new InterceptError(
    'ERR_VERIFY',
    `the rules that the kernel lists are not those that were loaded (${found.join('; ')}); they were removed`,
  )
}

/** Takes the rules away; connections then go out as they are. Nothing happens where there are none. */
export async function remove(nft: RunNft = runNft): Promise<void> {
  await nft(['-f', '-'], removalText)
}

async function listing(nft: RunNft): Promise<unknown> {
  const text = await nft(['-j', 'list', 'table', 'inet', tableName])
  try {
    return JSON.parse(text)
  } catch (cause: unknown) {
    throw new InterceptError('ERR_NFT', `nft printed no JSON: ${quote(text)}`, { cause })
  }
}
