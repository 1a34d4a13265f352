import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  Schema,
  type Alias,
  type Document,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { quote } from '../base/errors.ts'
import type { DocumentNode, MapField, ScalarNode } from './document-node.ts'
import { documentLimits } from './limits.ts'
import { ProblemList } from './problem-list.ts'

/**
 * Reads YAML 1.2 (so JSON too) of one or more documents. Problems of form are added to the returned
 * list; a document that has any is left out, and reading goes on behind it. Tags are refused, and what
 * aliases stand for is counted, so a small file cannot mean a large one.
 */
export function readYaml(
  text: string,
  source: string,
): { readonly nodes: readonly DocumentNode[]; readonly problems: ProblemList } {
  const lines = new LineCounter()
  const problems = new ProblemList(source, (offset) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  })
  if (Buffer.byteLength(text) > documentLimits.textBytes) {
    problems.add(0, `the file is larger than ${String(documentLimits.textBytes)} bytes`)
    return { nodes: [], problems }
  }
  return { nodes: readDocuments(text, lines, problems), problems }
}

function readDocuments(text: string, lines: LineCounter, problems: ProblemList): DocumentNode[] {
  const nodes: DocumentNode[] = []
  const converter = new NodeConverter(text, problems)
  let count = 0
  // The composer is lazy, so a file of too many documents is not read to its end.
  for (const document of compose(text, lines)) {
    if (++count > documentLimits.documents) {
      const limit = String(documentLimits.documents)
      problems.add(document.range[0], `the file has more than ${limit} documents`)
      break
    }
    // What does not parse cannot be judged any further; other problems do not hide each other.
    const node = addFormProblems(document, problems) ? undefined : converter.convert(document)
    if (node !== undefined) nodes.push(...documentsIn(node, problems))
  }
  return nodes
}

/** Made once: the library would make one for each document. */
const coreSchema = new Schema({ schema: 'core' })

function compose(text: string, lines: LineCounter): Iterable<Document.Parsed> {
  // The library's own check for unique keys compares each key with each other; ours uses a set.
  const composer = new Composer({ schema: coreSchema, uniqueKeys: false, logLevel: 'silent' })
  return composer.compose(new Parser(lines.addNewLine).parse(text))
}

/** Adds the first error of a document; the library's others mostly follow from it. */
function addFormProblems(document: Document.Parsed, problems: ProblemList): boolean {
  const [error] = document.errors
  if (error === undefined) return false
  const tooDeep = error.code === 'RESOURCE_EXHAUSTION'
  problems.add(
    error.pos[0],
    tooDeep ? 'nested too deeply' : `not valid YAML: ${plain(error.message)}`,
  )
  return true
}

/** The library's message in our form: one line, lower case, printable, not endless. */
function plain(message: string): string {
  const line = message.split('\n', 1)[0] ?? ''
  const shown = (line.charAt(0).toLowerCase() + line.slice(1, 200)).replace(/[\p{C}]/gu, '?')
  return shown.replace(/\.$/, '')
}

/** A list at the top is how JSON holds several documents. */
function documentsIn(node: DocumentNode, problems: ProblemList): readonly DocumentNode[] {
  if (node.kind !== 'list') return [node]
  if (node.items.length <= documentLimits.documents) return node.items
  const limit = String(documentLimits.documents)
  problems.add(node.offset, `the list has more than ${limit} documents`)
  return []
}

/** Turns the library's tree into ours, with the rules that are about form: keys, tags, aliases, depth. */
class NodeConverter {
  readonly #text: string
  readonly #problems: ProblemList
  readonly #anchors = new Map<string, { readonly node: DocumentNode; readonly size: number }>()
  #converted = 0
  #aliased = 0

  constructor(text: string, problems: ProblemList) {
    this.#text = text
    this.#problems = problems
  }

  /** Undefined for an empty document. */
  convert({ contents }: Document.Parsed): DocumentNode | undefined {
    this.#anchors.clear()
    if (contents === null || (isScalar(contents) && contents.value === null)) return undefined
    return this.#node(contents, 0)
  }

  #node(yaml: unknown, depth: number): DocumentNode {
    if (isAlias(yaml)) return this.#alias(yaml)
    if (!isMap(yaml) && !isSeq(yaml) && !isScalar(yaml)) return this.#refuse(0, 'expected a value')
    const offset = offsetOf(yaml)
    if (yaml.tag !== undefined)
      return this.#refuse(offset, `the tag ${quote(yaml.tag)} is not allowed`)
    if (depth > documentLimits.depth) {
      return this.#refuse(offset, `nested more than ${String(documentLimits.depth)} levels deep`)
    }
    const before = this.#converted++
    const node = this.#written(yaml, depth)
    if (yaml.anchor !== undefined) {
      this.#anchors.set(yaml.anchor, { node, size: this.#converted - before })
    }
    return node
  }

  #written(yaml: YAMLMap | YAMLSeq | Scalar, depth: number): DocumentNode {
    const offset = offsetOf(yaml)
    if (isMap(yaml)) return { kind: 'map', offset, fields: this.#fields(yaml, depth) }
    if (isSeq(yaml)) {
      return { kind: 'list', offset, items: yaml.items.map((item) => this.#node(item, depth + 1)) }
    }
    const value = yaml.value as ScalarNode['value']
    const raw = this.#text.slice(offset, yaml.range?.[1] ?? offset)
    return { kind: 'scalar', offset, value, written: yaml.source ?? String(value), raw }
  }

  #fields(yaml: YAMLMap, depth: number): MapField[] {
    const fields = new Map<string, MapField>()
    for (const pair of yaml.items) {
      const offset = offsetOf(pair.key)
      const name = this.#name(pair.key)
      if (name === undefined) continue
      if (fields.has(name)) {
        this.#problems.add(offset, `the key ${quote(name)} stands here twice`)
        continue
      }
      const value = pair.value === null ? nothingAt(offset) : this.#node(pair.value, depth + 1)
      fields.set(name, { name, offset, value })
    }
    return [...fields.values()]
  }

  #name(key: unknown): string | undefined {
    if (isScalar(key) && typeof key.value === 'string' && key.tag === undefined) return key.value
    const hint = isScalar(key) ? `, got ${key.source ?? 'nothing'}: put it in quotes` : ''
    this.#problems.add(offsetOf(key), `expected text as a key${hint}`)
    return undefined
  }

  #alias(yaml: Alias): DocumentNode {
    const anchor = this.#anchors.get(yaml.source)
    if (anchor === undefined) {
      return this.#refuse(
        offsetOf(yaml),
        `no anchor ${quote(yaml.source)} stands before this alias`,
      )
    }
    this.#aliased += anchor.size
    this.#converted += anchor.size
    if (this.#aliased > documentLimits.aliasedValues) {
      const limit = String(documentLimits.aliasedValues)
      return this.#refuse(
        offsetOf(yaml),
        `the aliases of this file stand for more than ${limit} values`,
      )
    }
    return anchor.node
  }

  #refuse(offset: number, message: string): DocumentNode {
    this.#problems.add(offset, message)
    return { kind: 'refused', offset }
  }
}

function nothingAt(offset: number): ScalarNode {
  return { kind: 'scalar', offset, value: null, written: '' }
}

function offsetOf(yaml: unknown): number {
  const range =
    isAlias(yaml) || isMap(yaml) || isSeq(yaml) || isScalar(yaml) ? yaml.range : undefined
  return range?.[0] ?? 0
}
