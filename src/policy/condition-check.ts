import type { ASTNode } from '@marcbachmann/cel-js'
import { quote } from '../base/errors.ts'
import { conditionHelpers, conditionLimits } from './condition-language.ts'
import { didYouMean } from './did-you-mean.ts'
import { parseInstant } from './instant.ts'
import { defaultNeed } from './selector.ts'
import { wrongKey } from './selector-shape.ts'

export type Side = 'from' | 'to'

/** One key that an expression reads of one end. */
export interface KeyRead {
  readonly side: Side
  readonly key: string
}

/** Something wrong with an expression, and the character where it stands. */
export interface ConditionProblem {
  readonly at: number
  readonly message: string
}

/** What an expression depends on beside the port. */
export interface Dependencies {
  readonly reads: readonly KeyRead[]
  /** Moments that `now` is compared to, ascending. */
  readonly instants: readonly number[]
  /** Whether it asks for the hour, the day or the like: such an answer can change with each minute. */
  readonly asksClock: boolean
}

type Comparison = ASTNode & { readonly op: '==' | '!=' | '<' | '<=' | '>' | '>=' }
const textMethods = ['startsWith', 'endsWith', 'contains', 'size']
const loopMethods = ['exists', 'all', 'exists_one']
const clockMethods = [
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfWeek',
  'getHours',
  'getMinutes',
]

/** Lists are never compared: `[a] == [a, b]` is not what anybody asks for. */
type Sort = 'list' | 'value'

/**
 * Checks that a parsed expression keeps to the part of CEL that conditions may use, and finds what it
 * depends on. The part is closed so that every expression ends soon (no loop in a loop, no regular
 * expressions: JavaScript's can take for ever), reads only keys that exist, and has a known moment at
 * which its answer may change.
 */
export function checkExpression(ast: ASTNode): {
  readonly problems: readonly ConditionProblem[]
  readonly dependencies: Dependencies
} {
  const check = new ExpressionCheck()
  check.visit(ast, undefined)
  const instants = [...check.instants].sort((a, b) => a - b)
  const dependencies = { reads: [...check.reads.values()], instants, asksClock: check.asksClock }
  return { problems: check.problems, dependencies }
}

class ExpressionCheck {
  readonly problems: ConditionProblem[] = []
  readonly reads = new Map<string, KeyRead>()
  readonly instants = new Set<number>()
  asksClock = false
  #loops = 0

  /** `variable` is the name that the surrounding loop gives to each value. */
  visit(node: ASTNode, variable: string | undefined): Sort {
    switch (node.op) {
      case 'value':
        return this.#literal(node)
      case 'id':
        return this.#name(node, variable)
      case '[]':
        return this.#index(node)
      case 'call':
        return this.#call(node, variable)
      case 'rcall':
        return this.#method(node, variable)
      case 'in':
        return this.#membership(node, variable)
      case 'list':
        for (const item of node.args) this.#value(item, variable)
        return 'list'
      case '?:':
        for (const part of node.args) this.#value(part, variable)
        return 'value'
      case '!_':
      case '-_':
        this.#value(node.args, variable)
        return 'value'
      case '&&':
      case '||':
        for (const part of node.args) this.#value(part, variable)
        return 'value'
      case '.':
        return this.#field(node)
      case 'map':
      case '.?':
      case '[?]':
        return this.#complain(node, `${quote(node.op)} is not part of conditions`)
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#comparison(node, variable)
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        for (const part of node.args) this.#value(part, variable)
        return 'value'
      default:
        return node satisfies never
    }
  }

  /** Visits a part that must be one value. */
  #value(node: ASTNode, variable: string | undefined): void {
    if (this.visit(node, variable) === 'list') {
      this.#complain(node, `a list stands where one value is expected; ${listHint}`)
    }
  }

  #literal(node: ASTNode & { readonly op: 'value' }): Sort {
    const known = ['string', 'number', 'bigint', 'boolean']
    if (known.includes(typeof node.args)) return 'value'
    return this.#complain(node, 'expected a text, a number or a truth value')
  }

  #name(node: ASTNode & { readonly op: 'id' }, variable: string | undefined): Sort {
    const name = node.args
    if (name === 'port' || name === variable) return 'value'
    if (isSide(name)) return this.#complain(node, `${name} is used with a key; ${keyHint(name)}`)
    if (name === 'now') return this.#complain(node, nowHint)
    const hint = didYouMean(name, ['from', 'to', 'port', 'now'])
    return this.#complain(node, `nothing is called ${quote(name)}${hint}`)
  }

  /** `from['key']` */
  #index(node: ASTNode & { readonly op: '[]' }): Sort {
    const [map, key] = node.args
    if (!isSideNode(map)) {
      return this.#complain(node, `only from and to are read by key; write ${conditionHelpers.one}`)
    }
    this.#read(map.args, key)
    return 'list'
  }

  #field(node: ASTNode & { readonly op: '.' }): Sort {
    let first: ASTNode = node
    while (first.op === '.') first = first.args[0]
    const hint = isSideNode(first) ? `; ${keyHint(first.args)}` : ''
    return this.#complain(node, `fields are not part of conditions${hint}`)
  }

  #read(side: Side, key: ASTNode | undefined): void {
    if (key?.op !== 'value' || typeof key.args !== 'string') {
      if (key !== undefined) this.#complain(key, 'expected a key as literal text')
      return
    }
    const wrong = wrongKey(key.args, defaultNeed)
    if (wrong === undefined) this.reads.set(`${side} ${key.args}`, { side, key: key.args })
    else this.#complain(key, wrong.replace(/; write .*$/, '; conditions never see what is claimed'))
  }

  #call(node: ASTNode & { readonly op: 'call' }, variable: string | undefined): Sort {
    const [name, args] = node.args
    if (name === 'size') return this.#size(args, variable)
    if (!Object.hasOwn(conditionHelpers, name)) {
      const known = Object.keys(conditionHelpers)
      const hint = name === 'timestamp' ? `; ${nowHint}` : didYouMean(name, known)
      return this.#complain(node, `no function is called ${quote(name)}${hint}`)
    }
    const form = conditionHelpers[name as keyof typeof conditionHelpers]
    if (name === 'same') return this.#same(node, args, form)
    const [side, key, ...others] = args
    if (side === undefined || !isSideNode(side) || args.length !== (name === 'any' ? 3 : 2)) {
      return this.#complain(node, `expected ${form}`)
    }
    this.#read(side.args, key)
    for (const other of others) this.#value(other, variable)
    return 'value'
  }

  #same(node: ASTNode, args: readonly ASTNode[], form: string): Sort {
    const [key, ...others] = args
    if (key === undefined || others.length > 0) return this.#complain(node, `expected ${form}`)
    this.#read('from', key)
    // The same key: one complaint is enough.
    if (key.op === 'value' && this.reads.has(`from ${String(key.args)}`)) this.#read('to', key)
    return 'value'
  }

  #size(args: readonly ASTNode[], variable: string | undefined): Sort {
    for (const arg of args) this.visit(arg, variable)
    return 'value'
  }

  #method(node: ASTNode & { readonly op: 'rcall' }, variable: string | undefined): Sort {
    const [name, receiver, args] = node.args
    if (receiver.op === 'id' && receiver.args === 'now') return this.#clock(node, name, args)
    if (loopMethods.includes(name)) return this.#loop(node, receiver, args, variable)
    if (!textMethods.includes(name)) {
      const hint = didYouMean(name, [...textMethods, ...loopMethods])
      return this.#complain(node, `no method is called ${quote(name)}${hint}`)
    }
    if (name === 'size') this.visit(receiver, variable)
    else this.#value(receiver, variable)
    for (const arg of args) this.#value(arg, variable)
    return 'value'
  }

  #clock(node: ASTNode, name: string, args: readonly ASTNode[]): Sort {
    if (!clockMethods.includes(name)) {
      return this.#complain(node, `now has ${clockMethods.join(', ')}, got ${quote(name)}`)
    }
    if (args.length > 0) this.#complain(node, `${name} takes no time zone: it answers in UTC`)
    this.asksClock = true
    return 'value'
  }

  /** `from['key'].exists(v, v.startsWith('web-'))` */
  #loop(
    node: ASTNode,
    list: ASTNode,
    [name, predicate]: readonly ASTNode[],
    variable: string | undefined,
  ): Sort {
    const most = conditionLimits.loops
    if (variable !== undefined) return this.#complain(node, 'a loop cannot stand in another loop')
    if (++this.#loops > most) return this.#complain(node, `more than ${String(most)} loops`)
    if (this.visit(list, variable) !== 'list') this.#complain(list, 'expected a list')
    if (name?.op !== 'id' || predicate === undefined) {
      return this.#complain(node, "expected a name and a condition, as in exists(v, v == 'x')")
    }
    if ([...reservedNames, 'port'].includes(name.args)) {
      return this.#complain(name, `${quote(name.args)} cannot be given another meaning`)
    }
    this.#value(predicate, name.args)
    return 'value'
  }

  /** `'x' in from['key']`, `'key' in from`, `port in [80, 443]` */
  #membership(node: ASTNode & { readonly op: 'in' }, variable: string | undefined): Sort {
    const [item, list] = node.args
    if (isSideNode(list)) {
      this.#read(list.args, item)
      return 'value'
    }
    this.#value(item, variable)
    if (this.visit(list, variable) === 'list') return 'value'
    return this.#complain(list, "expected a list, or from or to, behind 'in'")
  }

  #comparison(node: Comparison, variable: string | undefined): Sort {
    if (node.args.some(isNow)) return this.#compareNow(node, node.args)
    const sorts = node.args.map((part) => this.visit(part, variable))
    if (sorts.includes('list')) this.#complain(node, `lists are not compared; ${listHint}`)
    return 'value'
  }

  /** `now < timestamp('2027-01-31T00:00:00Z')`: the only other use of `now`, so that its end is known. */
  #compareNow(node: ASTNode, parts: readonly ASTNode[]): Sort {
    const other = parts.find((part) => !isNow(part))
    const moment = other?.op === 'call' && other.args[0] === 'timestamp' ? other.args[1][0] : other
    if (other?.op !== 'call' || moment?.op !== 'value' || typeof moment.args !== 'string') {
      return this.#complain(node, nowHint)
    }
    const instant = parseInstant(moment.args)
    if (instant === undefined) {
      const seen = quote(moment.args)
      return this.#complain(moment, `expected a time such as 2027-01-31T00:00:00Z, got ${seen}`)
    }
    // `==` and `>` differ one millisecond after the moment as well.
    this.instants.add(instant).add(instant + 1)
    return 'value'
  }

  #complain(node: ASTNode, message: string): Sort {
    this.problems.push({ at: node.start, message })
    return 'value'
  }
}

const reservedNames = ['from', 'to', 'now']
const listHint = `a key may hold several values: write ${conditionHelpers.same}, ${conditionHelpers.one} or ${conditionHelpers.any}`
const nowHint =
  "now is compared with timestamp('2027-01-31T00:00:00Z'), or asked as in now.getHours() >= 8"

function keyHint(side: Side): string {
  return `write one(${side}, 'label.app')`
}

function isSide(name: string): name is Side {
  return name === 'from' || name === 'to'
}

function isSideNode(node: ASTNode): node is ASTNode & { readonly op: 'id'; readonly args: Side } {
  return node.op === 'id' && isSide(node.args)
}

function isNow(node: ASTNode): boolean {
  return node.op === 'id' && node.args === 'now'
}
