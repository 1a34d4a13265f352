import { formatNetwork, isWhole, mask, parseNetwork, type Network } from '../base/network.ts'
import { metadataNetworks, overlapsNever } from './reserved-addresses.ts'
import { text, type Shape } from './shape.ts'

const expects = 'a network such as "203.0.113.0/24" or "2001:db8::/32", or one address'

/**
 * A network in its canonical spelling, always with its prefix length. Addresses that no connection may
 * leave for are refused, except within `0.0.0.0/0` and `::/0`, where they are left out.
 */
export const cidrShape: Shape<string> = text({
  expects,
  parse: (written) => {
    const network = parseNetwork(written)
    return network === undefined || whyRefused(network) !== undefined
      ? undefined
      : formatNetwork(network)
  },
  hint: (written) => {
    const network = parseNetwork(written)
    const why = network === undefined ? undefined : whyRefused(network)
    return why === undefined ? '' : `: ${why}`
  },
  write: (network) => network,
  schema: { pattern: '^[0-9a-f.:]+(?:/[0-9]{1,3})?$', examples: ['203.0.113.0/24'] },
})

function whyRefused(network: Network): string | undefined {
  const { address, bits } = network
  if (!isWhole(network)) {
    const whole = formatNetwork({ address: mask(address, bits), bits })
    return `bits are set behind the prefix; did you mean "${whole}"`
  }
  if (bits === 0) return undefined
  if (metadataNetworks.includes(formatNetwork(network))) return undefined
  const never = overlapsNever(network)
  return never === undefined ? undefined : `it overlaps with ${never}`
}
