import { documentKinds } from '../policy/index.ts'

const byLowerCase = new Map(
  documentKinds.flatMap((kind): [string, string][] => {
    const singular = kind.toLowerCase()
    const plural = singular.endsWith('y') ? `${singular.slice(0, -1)}ies` : `${singular}s`
    return [
      [singular, kind],
      [plural, kind],
    ]
  }),
)

/** The proper spelling of a kind typed in any case, singular or plural. */
export function documentKind(typed: string): string {
  return byLowerCase.get(typed.toLowerCase()) ?? typed
}
