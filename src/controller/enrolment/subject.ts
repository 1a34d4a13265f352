import { quote } from '../../base/errors.ts'
import { fromWireAttributes, type Attribute } from '../../identity/index.ts'
import { subjectCodec } from '../../rpc/index.ts'
import { ControllerError } from '../controller-error.ts'

/** What a workload says of itself, checked for form. */
export interface ReportedSubject {
  readonly name: string
  readonly attributes: readonly Attribute[]
  readonly schemaVersion: number
}

/** More than ever stands in a profile, so that dropping is what decides, and not this. */
const mostAttributes = 1_024
const nameForm = /^[a-z0-9][a-z0-9._-]{0,127}$/
const mostSchemaVersion = 0x7fff_ffff

/** Reads a serialized Subject. Throws `ControllerError`, `WireError` or `IdentityError`. */
export function readSubject(bytes: Buffer): ReportedSubject {
  const { workload, attributes, schemaVersion } = subjectCodec.decode(bytes)
  if (!nameForm.test(workload)) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      `expected a workload name of 1 to 128 characters out of a-z 0-9 . _ -, got ${quote(workload)}`,
    )
  }
  if (attributes.length > mostAttributes) {
    throw new ControllerError(
      'ERR_ARGUMENT',
      `expected at most ${String(mostAttributes)} attributes, got ${String(attributes.length)}`,
    )
  }
  if (schemaVersion > mostSchemaVersion) {
    throw new ControllerError('ERR_ARGUMENT', 'expected a schema version below 2^31')
  }
  return { name: workload, attributes: fromWireAttributes(attributes), schemaVersion }
}
