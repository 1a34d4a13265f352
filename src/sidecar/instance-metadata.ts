import type { Attribute } from '../identity/attributes.ts'

/** What a sidecar needs of the metadata service of its instance. Every call asks it anew. */
export interface InstanceMetadata {
  /** The signed document in this form, as it is served; `undefined` where there is none. */
  identity(form: 'rsa2048', signal: AbortSignal): Promise<Buffer | undefined>
  /** What it says without signing it, and what of that cannot be an attribute. */
  attributes(signal: AbortSignal): Promise<{
    readonly attributes: readonly Attribute[]
    readonly unusable: readonly { readonly key: string; readonly reason: string }[]
  }>
}
