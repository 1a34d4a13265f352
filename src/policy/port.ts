import { text, type Shape } from './shape.ts'

/** A TCP port that a policy names. */
export type Port = number

const expects = '"tcp/PORT" with PORT from 1 to 65535'

/** `tcp/5432`; canonical form and memory hold the number with its protocol implied. */
export const portShape: Shape<Port> = text({
  expects,
  parse: (written) => {
    const match = /^tcp\/([1-9][0-9]{0,4})$/.exec(written)
    const port = Number(match?.[1])
    return port <= 65_535 ? port : undefined
  },
  hint: portHint,
  write: formatPort,
  schema: { pattern: '^tcp/[1-9][0-9]{0,4}$', examples: ['tcp/443'] },
})

function portHint(written: string): string {
  if (/^(udp\/[0-9]+|icmp)$/.test(written))
    return '; other protocols are not supported yet by this version'
  if (/^[1-9][0-9]{0,4}$/.test(written)) return `; did you mean "tcp/${written}"`
  return ''
}

export function formatPort(port: Port): string {
  return `tcp/${String(port)}`
}
