import { quote } from '../base/errors.ts'
import { derTag, type DerReader } from './der.ts'
import { IdentityError } from './identity-error.ts'

const form = /^([0-9]{2}|[0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})Z$/

/**
 * Reads UTCTime to the end of 2049 and GeneralizedTime from 2050, with seconds and `Z`, as RFC 5280
 * 4.1.2.5 wants them. Returns milliseconds since the epoch.
 */
export function readTime(reader: DerReader): number {
  const short = reader.peekTag() === derTag.utcTime
  const text = reader.content(short ? derTag.utcTime : derTag.generalizedTime).toString('latin1')
  const [year = NaN, month = NaN, day = NaN, hour = NaN, minute = NaN, second = NaN] =
    form.exec(text)?.slice(1).map(Number) ?? []
  const fullYear = !short ? year : year >= 50 ? 1900 + year : 2000 + year
  const time = Date.UTC(fullYear, month - 1, day, hour, minute, second)
  if (text.length !== (short ? 13 : 15) || (!short && year < 2050) || !reads(time, text)) {
    throw new IdentityError(
      'ERR_DER',
      `not canonical DER: expected a time of day, got ${quote(text)}`,
    )
  }
  return time
}

/** Whether a time, written out, is this text again: there is no 31 February and no 24:00. */
function reads(time: number, text: string): boolean {
  if (Number.isNaN(time)) return false
  const digits = new Date(time).toISOString().replace(/[-:T]|\.000/g, '')
  return digits.endsWith(text)
}
