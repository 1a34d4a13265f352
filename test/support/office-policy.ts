/** A service outside the mesh, said by `service` (`cidrs`, `dns` and what else it has), and an allow of `web` to it. */
export const allowToOffice = (service: string): string => `
kind: ExternalService
name: office
spec: { ${service}, attributes: { label.kind: office } }
---
kind: NetworkPolicy
name: web-to-office
spec:
  from: { label.app: web }
  to: { external: { label.kind: office } }
  action: allow
  encryption: optional
`
