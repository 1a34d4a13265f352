/**
 * The EC2 instance identity document: what AWS signed of an instance, in the three forms in which
 * the metadata service serves it, verified against pinned keys. It says what the instance is. That
 * the sender is that instance, that it is fresh and whose account it is, is the controller's to
 * decide. Pure given the evidence and the keys; `loadIidKeys` alone reads files.
 */
export { readBlob } from './blob-text.ts'
export { documentAttributes } from './document-attributes.ts'
export { type InstanceIdentityDocument } from './document.ts'
export { iidForms, isWeak, type IidForm } from './form.ts'
export { loadIidKeys } from './key-file.ts'
export {
  kindOf,
  mergeIidKeys,
  parseIidKeys,
  type IidKey,
  type IidKeys,
  type IidSigner,
} from './keys.ts'
export { type IidRefusal } from './refusal.ts'
export { verifyIid, type IidEvidence, type IidVerdict, type VerifiedIid } from './verify.ts'
