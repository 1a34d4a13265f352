import { isUtf8 } from 'node:buffer'
import { quote } from '../../base/errors.ts'

/** JSON that means one thing to every reader, or what is wrong with it. */
export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false
      readonly fault: 'malformed' | 'name-doubled'
      readonly detail: string
    }

const maxDepth = 16

/**
 * Reads JSON (RFC 8259) of well-formed UTF-8 in which no object has a name twice: readers differ in
 * which of the two they take.
 */
export function readStrictJson(bytes: Buffer): StrictJson {
  if (!isUtf8(bytes)) return { ok: false, fault: 'malformed', detail: 'expected UTF-8' }
  const text = bytes.toString('utf8')
  const value = parse(text)
  return value.ok ? (findFault(text) ?? value) : value
}

function parse(text: string): StrictJson {
  try {
    return { ok: true, value: JSON.parse(text) as unknown }
  } catch {
    // V8's message quotes the text, which is not ours.
    return { ok: false, fault: 'malformed', detail: 'expected JSON' }
  }
}

/** Walks through text that JSON.parse took, and looks at names and depth alone. */
function findFault(text: string): StrictJson | undefined {
  /** The names seen so far of each open object; undefined for an open array. */
  const open: (Set<string> | undefined)[] = []
  let isNameNext = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') {
      const end = endOfString(text, at)
      const names = isNameNext ? open.at(-1) : undefined
      const name = isNameNext ? (JSON.parse(text.slice(at, end + 1)) as string) : ''
      if (names?.has(name) === true) {
        return {
          ok: false,
          fault: 'name-doubled',
          detail: `the name ${quote(name)} is there twice`,
        }
      }
      names?.add(name)
      isNameNext = false
      at = end
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined)
      isNameNext = character === '{'
    } else if (character === '}' || character === ']') {
      open.pop()
      isNameNext = false
    } else if (character === ',') {
      isNameNext = open.at(-1) !== undefined
    }
    if (open.length > maxDepth) {
      return { ok: false, fault: 'malformed', detail: `deeper than ${String(maxDepth)} levels` }
    }
  }
  return undefined
}

/** Where the string that begins at `start` has its closing quotation mark. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
