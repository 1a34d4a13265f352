import { compileCondition } from './condition.ts'
import { conditionLimits } from './condition-language.ts'
import type { ScalarNode } from './document-node.ts'
import { complain, quotesHint, refuse, refused, type Shape } from './shape.ts'

const expects = "a condition in CEL, such as same('aws.account')"

/** A CEL expression, kept as its text; everything wrong with it is reported where it stands. */
export const conditionShape: Shape<string> = {
  expects,
  schema: {
    type: 'string',
    minLength: 1,
    maxLength: conditionLimits.length,
    description: 'A condition in CEL over from, to, port and now.',
  },
  read: (node, place) => {
    if (node.kind !== 'scalar' || typeof node.value !== 'string') {
      return refuse(node, place, expects, quotesHint(node))
    }
    const text = node.value.trim()
    if (text === '') return refuse(node, place, expects)
    const skipped = node.value.indexOf(text)
    const compiled = compileCondition(text)
    if ('condition' in compiled) return text
    for (const { at, message } of compiled.problems) {
      complain(offsetInside(node, node.value, at + skipped), place, message)
    }
    return refused
  },
  write: (text) => text,
}

/**
 * Where a character of a scalar's value stands in the file. Found by looking for the value's line as
 * it is written; where escapes or folding hide it, the beginning of the scalar has to do.
 */
function offsetInside({ offset, raw }: ScalarNode, value: string, at: number): number {
  if (raw === undefined) return offset
  const lineStart = value.lastIndexOf('\n', at - 1) + 1
  const lineEnd = value.indexOf('\n', at)
  const line = value.slice(lineStart, lineEnd === -1 ? undefined : lineEnd)
  const linesBefore = value.slice(0, lineStart).split('\n').length - 1
  let from = 0
  // A block scalar has its first line below its mark.
  for (let skip = 0; skip < linesBefore; skip++) from = raw.indexOf('\n', from) + 1
  const written = raw.indexOf(line, from)
  return written === -1 ? offset : offset + written + (at - lineStart)
}
