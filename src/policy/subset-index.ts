import type { TrustProfile } from '../identity/profile.ts'
import { isDecisive } from './compile.ts'
import type { DecisionDocument } from './compiled-policy.ts'
import type { PolicyDocument } from './document.ts'
import { documentId } from './parse.ts'
import { matchesAlternative, requiresValue, type Alternative, type Selector } from './selector.ts'

/** A workload, and the documents that can match it at either end. */
interface Member {
  readonly id: string
  readonly profile: TrustProfile
  readonly subset: Set<DecisionDocument>
}

/** Who has a value: workloads, and alternatives that ask for it. */
interface Postings {
  readonly members: Set<Member>
  readonly wanted: Set<Wanted>
}

/** One alternative of one document's selectors. */
interface Wanted {
  readonly document: DecisionDocument
  readonly alternative: Alternative
}

/**
 * Which documents each workload has to know, kept current edit by edit: an edit costs what it
 * touches, not what there is. For distribution; what it holds for a workload is what
 * `PolicySet.relevantFor` would say.
 */
export class SubsetIndex {
  readonly #members = new Map<string, Member>()
  readonly #documents = new Map<string, DecisionDocument>()
  readonly #postings = new Map<string, Map<string, Postings>>()
  /** Alternatives that require no value, so that every workload has to be asked. */
  readonly #always = new Set<Wanted>()
  /** Where each document's alternatives are filed. */
  readonly #filed = new Map<DecisionDocument, readonly (() => void)[]>()

  constructor(documents: Iterable<PolicyDocument> = []) {
    for (const document of documents) this.edit(undefined, document)
  }

  /** Adds a workload, or gives it another profile; returns whether its subset is another one now. */
  join(id: string, profile: TrustProfile): boolean {
    const former = this.#members.get(id)
    if (former?.profile.digest === profile.digest) return false
    if (former !== undefined) this.leave(id)
    const member: Member = { id, profile, subset: this.#documentsFor(profile) }
    this.#members.set(id, member)
    for (const [key, { values }] of profile.entries) {
      for (const value of values) this.#at(key, value).members.add(member)
    }
    return former === undefined || !isSameSet(former.subset, member.subset)
  }

  leave(id: string): void {
    const member = this.#members.get(id)
    if (member === undefined) return
    this.#members.delete(id)
    for (const [key, { values }] of member.profile.entries) {
      for (const value of values) {
        this.#at(key, value).members.delete(member)
        this.#dropEmpty(key, value)
      }
    }
  }

  /**
   * Replaces a document by another of the same kind and name; undefined before it was there, or once
   * it is gone. Returns the workloads whose subset is no longer what it was.
   */
  edit(before: PolicyDocument | undefined, after: PolicyDocument | undefined): readonly string[] {
    const affected = new Set<Member>()
    if (before !== undefined) this.#remove(documentId(before), affected)
    if (after !== undefined && isDecisive(after)) {
      this.#remove(documentId(after), affected)
      this.#add(after, affected)
    }
    return Array.from(affected, ({ id }) => id)
  }

  /** The documents of a workload, in no order; undefined for one that has not joined. */
  subsetOf(id: string): ReadonlySet<DecisionDocument> | undefined {
    return this.#members.get(id)?.subset
  }

  #remove(id: string, affected: Set<Member>): void {
    const document = this.#documents.get(id)
    if (document === undefined) return
    this.#documents.delete(id)
    for (const member of this.#membersFor(document)) {
      member.subset.delete(document)
      affected.add(member)
    }
    for (const unfile of this.#filed.get(document) ?? []) unfile()
    this.#filed.delete(document)
  }

  #add(document: DecisionDocument, affected: Set<Member>): void {
    this.#documents.set(documentId(document), document)
    const filed = alternativesOf(document).map((alternative) =>
      this.#file({ document, alternative }),
    )
    this.#filed.set(document, filed)
    for (const member of this.#membersFor(document)) {
      member.subset.add(document)
      affected.add(member)
    }
  }

  /** Files an alternative under the values that it requires; returns how to take it out again. */
  #file(wanted: Wanted): () => void {
    const term = wanted.alternative.find(requiresValue)
    if (term === undefined) {
      this.#always.add(wanted)
      return () => this.#always.delete(wanted)
    }
    for (const value of term.anyOf) this.#at(term.key, value).wanted.add(wanted)
    return () => {
      for (const value of term.anyOf) {
        this.#at(term.key, value).wanted.delete(wanted)
        this.#dropEmpty(term.key, value)
      }
    }
  }

  #documentsFor(profile: TrustProfile): Set<DecisionDocument> {
    const found = new Set<DecisionDocument>()
    const ask = ({ document, alternative }: Wanted): void => {
      if (!found.has(document) && matchesAlternative(alternative, profile)) found.add(document)
    }
    this.#always.forEach(ask)
    for (const [key, { values }] of profile.entries) {
      const byValue = this.#postings.get(key)
      if (byValue === undefined) continue
      for (const value of values) byValue.get(value)?.wanted.forEach(ask)
    }
    return found
  }

  #membersFor(document: DecisionDocument): Set<Member> {
    const found = new Set<Member>()
    for (const alternative of alternativesOf(document)) {
      for (const members of this.#mayMeet(alternative)) {
        for (const member of members) {
          if (!found.has(member) && matchesAlternative(alternative, member.profile)) {
            found.add(member)
          }
        }
      }
    }
    return found
  }

  /** The workloads to ask: those that have a value which the alternative requires, by the rarest term. */
  #mayMeet(alternative: Alternative): readonly Iterable<Member>[] {
    let best: readonly Iterable<Member>[] = [this.#members.values()]
    let least = this.#members.size
    for (const term of alternative) {
      if (!requiresValue(term)) continue
      const byValue = this.#postings.get(term.key)
      const groups = term.anyOf.flatMap((value) => byValue?.get(value)?.members ?? [])
      const count = groups.reduce((sum, { size }) => sum + size, 0)
      if (count >= least) continue
      best = groups
      least = count
    }
    return best
  }

  #at(key: string, value: string): Postings {
    return this.#postings
      .getOrInsertComputed(key, () => new Map<string, Postings>())
      .getOrInsertComputed(value, () => ({ members: new Set(), wanted: new Set() }))
  }

  /** Values come and go with workloads: none may stay behind. */
  #dropEmpty(key: string, value: string): void {
    const byValue = this.#postings.get(key)
    const postings = byValue?.get(value)
    if (postings === undefined || postings.members.size + postings.wanted.size > 0) return
    byValue?.delete(value)
    if (byValue?.size === 0) this.#postings.delete(key)
  }
}

function alternativesOf(document: DecisionDocument): readonly Alternative[] {
  if (document.kind === 'Observe') return document.spec.scope
  const { from, to } = document.spec
  return isAnybody(from) ? from : isAnybody(to) ? to : [...from, ...to]
}

function isAnybody(selector: Selector): boolean {
  return selector.some((alternative) => alternative.length === 0)
}

function isSameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && a.isSubsetOf(b)
}
