import { readInstanceAttributes, type InstanceAttributes } from './imds-attributes.ts'
import type { Imds } from './imds.ts'

/** What is served of the instance identity document: itself, and the three ways of signing it. */
export const documentForms = ['document', 'rsa2048', 'pkcs7', 'signature'] as const
export type DocumentForm = (typeof documentForms)[number]

/**
 * The metadata service as a sidecar needs it (`InstanceMetadata` of src/sidecar). Nothing is kept:
 * every call asks anew.
 */
export function openInstanceMetadata(imds: Imds): {
  identity(form: DocumentForm, signal: AbortSignal): Promise<Buffer | undefined>
  attributes(signal: AbortSignal): Promise<InstanceAttributes>
} {
  return {
    identity: (form, signal) => imds.read(`/latest/dynamic/instance-identity/${form}`, signal),
    attributes: (signal) => readInstanceAttributes(imds, signal),
  }
}
