import { quote } from '../base/errors.ts'
import type { Side } from './condition-check.ts'
import { conditionOf } from './condition.ts'
import type { MapNode } from './document-node.ts'
import type { Selector } from './selector.ts'
import { isKeyOfAnAccount, isOfNamedAccounts } from './selector-shape.ts'
import { complain, type Place } from './shape.ts'

/**
 * A condition on a tag is as good as a selector on it: the end's selector must name the account, or
 * whoever may tag in any bound account could be anyone.
 */
export function checkAccountsOfCondition(
  spec: { readonly when: string | undefined } & Readonly<Record<Side, Selector>>,
  node: MapNode,
  place: Place,
): void {
  if (spec.when === undefined || place.tagsTrusted === true) return
  const tag = conditionOf(spec.when).reads.find(
    ({ side, key }) => isKeyOfAnAccount(key) && !isOfNamedAccounts(spec[side]),
  )
  if (tag === undefined) return
  const field = node.fields.find(({ name }) => name === 'when')
  const message = `a condition on ${quote(tag.key)} needs "aws.account" by value in ${quote(tag.side)}: any bound account could set it`
  complain(field?.value.offset ?? node.offset, place, message)
}
