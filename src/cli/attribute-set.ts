import { quote } from '../base/errors.ts'
import {
  checkKey,
  checkValue,
  familyOf,
  provenances,
  type Attribute,
  type Provenance,
} from '../identity/attributes.ts'
import { CliError } from './failure.ts'

/** Either end of a question: a known workload, an external service, or attributes to try out. */
export type End =
  | { readonly kind: 'workload'; readonly workload: string }
  | { readonly kind: 'external'; readonly external: string }
  | { readonly kind: 'attributes'; readonly attributes: readonly Attribute[] }

/** As records call peers outside the mesh. */
const externalPrefix = 'external:'

/**
 * A workload name, id or SPIFFE ID, `external:` with the name of an external service, or
 * `key=value,...` where anything holds an equals sign.
 */
export function parseEnd(text: string): End {
  if (text === '') throw usage('expected a workload or key=value,..., got nothing')
  if (text.startsWith(externalPrefix)) {
    const external = text.slice(externalPrefix.length)
    if (external === '') throw usage('expected the name of an external service, got nothing')
    return { kind: 'external', external }
  }
  return text.includes('=')
    ? { kind: 'attributes', attributes: parseAttributeSet(text) }
    : { kind: 'workload', workload: text }
}

/**
 * Reads `key=value,key@provenance=value`; a comma inside a value is written `\,`. Without a
 * provenance an attribute has the one that the proper source of its family gives.
 * Throws `CliError` ERR_USAGE.
 */
export function parseAttributeSet(text: string): Attribute[] {
  return text.split(/(?<!\\),/).map((pair) => parseAttribute(pair.replaceAll('\\,', ',')))
}

function parseAttribute(pair: string): Attribute {
  const [name, value] = splitPair(pair)
  const at = name.indexOf('@')
  const key = at === -1 ? name : name.slice(0, at)
  try {
    checkKey(key)
    checkValue(value)
  } catch (cause) {
    throw usage(
      `attribute ${quote(pair)}: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    )
  }
  const provenance = at === -1 ? usualProvenance(key) : parseProvenance(name.slice(at + 1))
  return { key, value, provenance }
}

function usualProvenance(key: string): Provenance {
  const family = familyOf(key)
  if (family === undefined)
    throw usage(`no workload can have the attribute ${quote(key)}: nothing sets it`)
  return family.provenance
}

function parseProvenance(text: string): Provenance {
  const found = provenances.find((provenance) => provenance === text)
  if (found === undefined) {
    throw usage(`expected a provenance out of ${provenances.join(', ')}, got ${quote(text)}`)
  }
  return found
}

/** Splits `key=value` at the first equals sign. Throws `CliError` ERR_USAGE. */
export function splitPair(pair: string): [key: string, value: string] {
  const equals = pair.indexOf('=')
  if (equals < 1) throw usage(`expected key=value, got ${quote(pair)}`)
  return [pair.slice(0, equals), pair.slice(equals + 1)]
}

function usage(message: string, cause?: unknown): CliError {
  return new CliError('ERR_USAGE', message, cause === undefined ? {} : { cause })
}
