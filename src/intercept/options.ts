import { integer, type Parse } from '../base/env.ts'
import { quote } from '../base/errors.ts'
import { metadataAddresses } from '../base/metadata-addresses.ts'
import { sidecarId } from '../base/sidecar-account.ts'
import { noAddresses, type AddressList } from './address-list.ts'
import { InterceptError } from './intercept-error.ts'

/** What is captured, and what is left alone. */
export interface InterceptOptions {
  /** Where the sidecar takes outbound connections, and where inbound ones. */
  readonly egressPort: number
  readonly ingressPort: number
  /** TCP ports of this machine that can be reached without the mesh. */
  readonly excludePorts: readonly number[]
  /** Networks with which everything is exchanged without the mesh, both ways. */
  readonly excludeCidrs: AddressList
  /** Where the sidecar answers questions for names; `off`: programs ask the resolvers themselves. */
  readonly dnsPort: number | 'off'
  /** Name servers that port 53 may be used with; undefined = those of this machine. */
  readonly resolvers: AddressList | undefined
  /** Whether the sidecar may let datagrams out, by way of a gate that stays (`holdDatagramGate`). */
  readonly datagrams: boolean
  /** The uid that the workload is going to run as, if known. */
  readonly workloadUid: number | undefined
}

/** Options with the resolvers known. */
export type ResolvedOptions = InterceptOptions & { readonly resolvers: AddressList }

export const defaultOptions: InterceptOptions = {
  egressPort: 15_001,
  ingressPort: 15_006,
  dnsPort: 15_053,
  excludePorts: [],
  excludeCidrs: noAddresses,
  resolvers: undefined,
  datagrams: false,
  workloadUid: undefined,
}

const mostPorts = 256

/** `22,9100`: TCP ports, each once. */
export const portList: Parse<readonly number[]> = (text) => {
  const ports = text.split(',').map((entry) => integer(1, 65_535)(entry.trim()))
  if (ports.length > mostPorts) {
    throw new Error(`expected at most ${String(mostPorts)} ports, got ${String(ports.length)}`)
  }
  if (new Set(ports).size < ports.length) throw new Error(`${quote(text)} names a port twice`)
  return ports
}

/** Throws `ERR_OPTIONS` for what would let the workload out, or the sidecar not work. */
export function checkOptions(options: ResolvedOptions): void {
  const { egressPort, ingressPort, dnsPort, excludePorts, resolvers } = options
  if (options.workloadUid === sidecarId) {
    throw refusal(`a workload with uid ${String(sidecarId)} would pass for the sidecar`)
  }
  if (egressPort === ingressPort) {
    throw refusal(`port ${String(egressPort)} cannot be both the egress and the ingress port`)
  }
  if (dnsPort === egressPort || dnsPort === ingressPort) {
    throw refusal(`port ${String(dnsPort)} cannot be for connections and for names`)
  }
  const ports: readonly (number | 'off')[] = [egressPort, ingressPort, dnsPort]
  const own = excludePorts.find((port) => ports.includes(port))
  if (own !== undefined) throw refusal(`port ${String(own)} of the sidecar cannot be excluded`)
  const resolver = [...resolvers.v4, ...resolvers.v6].find((one) => metadataAddresses.includes(one))
  if (resolver !== undefined) {
    throw refusal(`${resolver} is a metadata service and cannot be a resolver`)
  }
}

function refusal(message: string): InterceptError {
  return new InterceptError('ERR_OPTIONS', message)
}
