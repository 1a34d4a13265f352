/** A number of three or four digits that mean something, with thousands apart. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
  const whole = size >= 10_000 ? Number(value.toPrecision(3)) : value
  return whole.toLocaleString('en-US', { maximumFractionDigits: digits })
}

export function percentText(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}
