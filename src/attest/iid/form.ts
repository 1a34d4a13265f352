/**
 * The signed forms in which the metadata service serves a document, by the last part of their path.
 * `rsa2048` is PKCS#7 with a key of the region's own; `pkcs7` is the same with a DSA-1024 key, and
 * `signature` a bare RSA-1024 signature, both with keys that many regions share.
 */
export const iidForms = ['rsa2048', 'pkcs7', 'signature'] as const
export type IidForm = (typeof iidForms)[number]

/** Whether a form counts only where an enrolment rule asks for it (PROTOCOL §3). */
export function isWeak(form: IidForm): boolean {
  return form !== 'rsa2048'
}
