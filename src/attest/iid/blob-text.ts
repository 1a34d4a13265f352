/**
 * The bytes of a blob or signature in whatever way it is handed around: base64 in any wrapping, as
 * the metadata service serves it, with or without PEM lines, or the bytes themselves. Undefined for
 * text that is neither.
 */
export function readBlob(input: Buffer): Buffer | undefined {
  const text = input.toString('latin1')
  if (!printable.test(text)) return input
  const digits = (armour.exec(text)?.[1] ?? text).replace(/\s+/g, '')
  return digits.length % 4 === 0 && base64.test(digits) ? Buffer.from(digits, 'base64') : undefined
}

// Neither BER nor a signature is ever printable as a whole.
const printable = /^[\t\n\r -~]*$/
const armour =
  /^\s*-----BEGIN (?:PKCS7|CMS)-----\s([A-Za-z0-9+/=\s]*)-----END (?:PKCS7|CMS)-----\s*$/
const base64 = /^[A-Za-z0-9+/]+={0,2}$/
