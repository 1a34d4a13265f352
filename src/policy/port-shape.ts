import { formatPort, parsePort, type Port } from './port.ts'
import { text, type Shape } from './shape.ts'

/** `tcp/5432`, `udp/53` or `icmp`. */
export const portShape: Shape<Port> = text({
  expects: '"tcp/PORT" or "udp/PORT" with PORT from 1 to 65535, or "icmp"',
  parse: parsePort,
  hint: (written) => (/^[1-9][0-9]{0,4}$/.test(written) ? `; did you mean "tcp/${written}"` : ''),
  write: formatPort,
  schema: {
    pattern: '^(?:(?:tcp|udp)/[1-9][0-9]{0,4}|icmp)$',
    examples: ['tcp/443', 'udp/53', 'icmp'],
  },
})
