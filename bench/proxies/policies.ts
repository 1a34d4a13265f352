/** A policy by which the client's workload may, or may not, reach the server's; `http` is a rule for requests. */
export function policyOf(port: number, action: 'allow' | 'deny', http?: string): string {
  const rules = http === undefined ? '' : `http: [${http}], `
  return `
kind: NetworkPolicy
name: bench-${String(port)}
spec: { from: { label.join: bench }, to: { label.join: bench }, ports: [tcp/${String(port)}], ${rules}action: ${action} }
`
}

/**
 * So many policies about workloads with `label.fleet` and others, on the same port: half of them at one
 * end and half at the other, one in a hundred a deny. Each such workload gets all of them, and none
 * says anything about two of them. One more has rules for requests, on a port that nobody uses.
 */
export function otherPolicies(fleet: string, port: number, count: number): string {
  const withRules = `
kind: NetworkPolicy
name: ${fleet}-http
spec: { from: { label.app: reader }, to: { label.fleet: ${fleet} }, ports: [tcp/1], http: [{ methods: [GET] }], action: allow }
`
  const others = Array.from({ length: count - 1 }, (_, at) => {
    const own = `{ label.fleet: ${fleet} }`
    const other = `{ label.app: service-${String(at)} }`
    const [from, to] = at % 2 === 0 ? [own, other] : [other, own]
    const action = at % 100 === 99 ? 'deny' : 'allow'
    return `
kind: NetworkPolicy
name: ${fleet}-${String(at)}
spec: { from: ${from}, to: ${to}, ports: [tcp/${String(port)}], action: ${action} }
`
  })
  return [withRules, ...others].join('---')
}
