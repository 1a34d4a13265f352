import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readBlob, type IidEvidence, type IidForm } from '../../src/attest/iid/index.ts'

/** A real document of a real instance, out of test/vectors/iid. */
export interface RealIid {
  readonly name: string
  readonly form: IidForm
  readonly document: Buffer
  /** PKCS#7 blob or detached signature. */
  readonly signed: Buffer
  readonly files: { readonly document: string; readonly signed: string }
}

const folder = fileURLToPath(new URL('../vectors/iid', import.meta.url))

export const realIids: readonly RealIid[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => readReal(name))

function readReal(name: string): RealIid {
  const form = (['rsa2048', 'pkcs7', 'signature'] as const).find((known) => name.endsWith(known))
  if (form === undefined) throw new Error(`${name}: expected the name of a form at its end`)
  const files = {
    document: `${folder}/${name}/document.json`,
    signed: `${folder}/${name}/${form}.txt`,
  }
  const signed = readBlob(readFileSync(files.signed))
  if (signed === undefined) throw new Error(`${name}: expected base64`)
  return { name, form, document: readFileSync(files.document), signed, files }
}

/** The one with this name. */
export function realIid(name: string): RealIid {
  const found = realIids.find((real) => real.name === name)
  if (found === undefined) throw new Error(`no document ${name} in test/vectors/iid`)
  return found
}

/** A document as evidence, perhaps with other bytes in place of the signed ones or of the document. */
export function evidenceOf(
  { form, document, signed }: RealIid,
  changed: { readonly document?: Buffer; readonly signed?: Buffer } = {},
): IidEvidence {
  const signature = changed.signed ?? signed
  return form === 'signature'
    ? { form, document: changed.document ?? document, signature }
    : { form, blob: signature, document: changed.document }
}
