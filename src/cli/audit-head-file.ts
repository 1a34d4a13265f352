import type { AuditHead } from '../audit/index.ts'
import { messageOf } from '../base/errors.ts'
import { readBounded } from './bounded-file.ts'
import { CliError } from './failure.ts'

const largestFile = 256 * 1024 * 1024

/**
 * Reads signed heads that were kept elsewhere: what `blazon audit head -o json` printed, or a log of
 * the controller, in which all of them are taken. Throws `CliError` where there is none.
 */
export async function readHeads(path: string): Promise<readonly AuditHead[]> {
  const text = (await readBounded(path, largestFile)).toString('utf8')
  const whole = parse(text)
  const records = whole === undefined ? text.split('\n').map(parse) : [whole]
  const heads = records.filter(isHead).map((record, index) => readHead(record, path, index))
  if (heads.length > 0) return heads
  throw new CliError('ERR_FILE', `${path}: no signed head of an audit log in it`, {
    hints: ['`blazon audit head -o json` prints one; the log of the controller has one a minute'],
  })
}

type Fields = Readonly<Record<string, unknown>>

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Fields) : undefined
  } catch {
    // A log may hold lines of others.
    return undefined
  }
}

/** A line that says to be a head has to be a right one: a damaged one must not be passed over. */
function isHead(fields: Fields | undefined): fields is Fields {
  return fields?.['msg'] === 'audit head' || (fields !== undefined && 'signature' in fields)
}

function readHead(fields: Fields, path: string, index: number): AuditHead {
  try {
    return {
      sequence: number(fields['sequence']),
      hash: bytes(fields['hash'], 'hex'),
      timeMs: number(fields['time_ms']),
      keyId: bytes(fields['key_id'], 'hex').toString('hex'),
      signature: bytes(fields['signature'], 'base64'),
      publicKey: bytes(fields['public_key'], 'base64'),
    }
  } catch (cause: unknown) {
    throw new CliError('ERR_FILE', `${path}: head ${String(index + 1)}: ${messageOf(cause)}`, {
      cause,
    })
  }
}

function number(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new Error('expected a whole number')
}

function bytes(value: unknown, encoding: 'hex' | 'base64'): Buffer {
  const read = typeof value === 'string' ? Buffer.from(value, encoding) : undefined
  if (read !== undefined && read.toString(encoding) === value) return read
  throw new Error(`expected bytes in ${encoding}`)
}

/** A head in the form that `readHeads` reads. */
export function headView(head: AuditHead): Fields {
  return {
    sequence: head.sequence,
    hash: head.hash.toString('hex'),
    time_ms: head.timeMs,
    key_id: head.keyId,
    signature: head.signature.toString('base64'),
    public_key: head.publicKey.toString('base64'),
  }
}
