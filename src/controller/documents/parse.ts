import { messageOf } from '../../base/errors.ts'
import {
  encodeSpec,
  parseDocuments,
  PolicyError,
  type PolicyDocument,
  type PolicyErrorCode,
  type Problem,
} from '../../policy/index.ts'

/** A file of documents to be read. */
export interface ParseQuestion {
  readonly text: string
  readonly source: string
  readonly tagsTrusted: boolean
}

/** A document that was read, and its specification as it is compared and stored. */
export interface ReadDocument {
  readonly document: PolicyDocument
  readonly specText: string
}

/** Plain data throughout: documents hold nothing that does not survive the way between threads. */
export type ParseAnswer =
  | { readonly kind: 'documents'; readonly documents: readonly ReadDocument[] }
  | {
      readonly kind: 'refused'
      readonly code: PolicyErrorCode
      readonly problems: readonly Problem[]
    }
  | { readonly kind: 'failed'; readonly message: string }

/** What the thread says: documents come some at a time, because taking many in is work as well. */
export type ThreadAnswer =
  | Exclude<ParseAnswer, { readonly kind: 'documents' }>
  | {
      readonly kind: 'documents'
      readonly documents: readonly ReadDocument[]
      /** How many there are to be asked for. */
      readonly left: number
    }

/** What it is asked: to read a file, or for more of the documents of the last one. */
export type ThreadQuestion = ParseQuestion | 'more'

/** Reads the documents of a file; never throws. */
export function answerParse({ text, source, tagsTrusted }: ParseQuestion): ParseAnswer {
  try {
    const documents = parseDocuments(text, source, { tagsTrusted }).map((document) => ({
      document,
      specText: encodeSpec(document).toString('utf8'),
    }))
    return { kind: 'documents', documents }
  } catch (error: unknown) {
    if (!(error instanceof PolicyError)) return { kind: 'failed', message: messageOf(error) }
    return { kind: 'refused', code: error.code, problems: error.problems }
  }
}
