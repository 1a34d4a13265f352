/**
 * The audit log as a chain: what the hash of an entry covers, what the signature of a head covers, and
 * how both are checked. The controller writes with it and the command line verifies with it, so
 * that neither can mean something else by a chain than the other. Nothing here does input or output.
 */
export {
  genesisHash,
  hashEntry,
  sealEntry,
  type AuditEntry,
  type AuditFacts,
  type AuditLink,
} from './entry.ts'
export { AuditError, type AuditErrorCode } from './audit-error.ts'
export { checkHead, signHead, type AuditHead } from './head.ts'
export { createChainCheck, type ChainCheck } from './chain-check.ts'
