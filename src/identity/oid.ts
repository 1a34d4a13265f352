import { IdentityError } from './identity-error.ts'

/** Content octets of an object identifier, from dotted text such as `1.2.840.10045.2.1`. */
export function oidBytes(dotted: string): Buffer {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt)
  return Buffer.from([first * 40n + second, ...rest].flatMap(base128))
}

function base128(arc: bigint): number[] {
  const digits = [Number(arc & 0x7fn)]
  for (let left = arc >> 7n; left > 0n; left >>= 7n) digits.unshift(0x80 | Number(left & 0x7fn))
  return digits
}

/** Dotted text from content octets; throws `ERR_DER` for arcs that are cut off or padded. */
export function oidText(content: Buffer): string {
  const arcs: bigint[] = []
  let arc = 0n
  let fresh = true
  for (const octet of content) {
    if (fresh && octet === 0x80) throw fault()
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    fresh = octet < 0x80
    if (!fresh) continue
    arcs.push(arc)
    arc = 0n
  }
  const [first, ...rest] = arcs
  if (!fresh || first === undefined || content.length > 64) throw fault()
  const root = first < 80n ? first / 40n : 2n
  return [root, first - root * 40n, ...rest].join('.')
}

function fault(): IdentityError {
  return new IdentityError(
    'ERR_DER',
    'not canonical DER: an object identifier that is empty, cut off or padded',
  )
}
