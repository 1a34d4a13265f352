import { familyOf, isAtLeast, maxKeyBytes, type Attribute } from '../identity/attributes.ts'
import { createProfile, maxProfilePairs, type TrustProfile } from '../identity/profile.ts'
import { isKey, valueShape } from './attribute-text.ts'
import { cidrShape } from './cidr.ts'
import { dnsNameShape, matchesDnsName } from './dns-name.ts'
import type { MapNode } from './document-node.ts'
import { externalNameKey } from './external-words.ts'
import { instantShape } from './instant.ts'
import type { DocumentOf, Kind } from './kind.ts'
import { fieldLimits } from './limits.ts'
import { portShape } from './port-shape.ts'
import { isDatagramPort, type Port } from './port.ts'
import { optional, optionalFlag, record, withDefaultFlag } from './record.ts'
import { metadataNetworks, metadataServiceName } from './reserved-addresses.ts'
import { complain, mapOf, oneOrSetOf, setOf, text, type Place, type Shape } from './shape.ts'

/** Peers outside the mesh, known by where they are; what they are is what an administrator says. */
export interface ExternalServiceSpec {
  /** Canonical networks. */
  readonly cidrs: readonly string[] | undefined
  /** Names, and `*.` with a name for all below it. */
  readonly dns: readonly string[] | undefined
  /** Undefined: every port. */
  readonly ports: readonly Port[] | undefined
  readonly attributes: ReadonlyMap<string, readonly string[]> | undefined
  /** Whether DNS may answer with private addresses. */
  readonly private: boolean
  /** Whether a TLS client has to ask for one of the names; undefined: on port 443. */
  readonly sni: boolean | undefined
  /** Milliseconds since the epoch, from which on nobody is known by it. Undefined: never. */
  readonly expires: number | undefined
  /**
   * Whether it is a balancer that reads HTTP requests and passes them on to workloads: requests to it
   * carry a token of the workload that sends them, and those that come from it are decided by theirs.
   */
  readonly l7: boolean
}

export type ExternalService = DocumentOf<'ExternalService', ExternalServiceSpec>

const attributeKey: Shape<string> = text({
  expects:
    'an attribute key that an administrator may assign, such as "label.owner" or "aws.account"',
  parse: (key) => (isAssignable(key) ? key : undefined),
  write: (key) => key,
  schema: { maxLength: maxKeyBytes },
})

/** What sidecars report is about programs: nobody vouches for such facts outside the mesh. */
function isAssignable(key: string): boolean {
  if (!isKey(key) || key === externalNameKey) return false
  const family = familyOf(key)
  return family !== undefined && isAtLeast(family.provenance, 'assigned')
}

const attributesShape = mapOf(
  attributeKey,
  oneOrSetOf(valueShape('a value'), fieldLimits.labelValues),
  fieldLimits.labels,
)

export const externalServiceKind: Kind<'ExternalService', ExternalServiceSpec> = {
  kind: 'ExternalService',
  spec: record<ExternalServiceSpec>({
    expects: 'the spec of an ExternalService',
    fields: {
      cidrs: optional(setOf(cidrShape, fieldLimits.cidrs)),
      dns: optional(setOf(dnsNameShape, fieldLimits.dnsNames)),
      ports: optional(setOf(portShape, fieldLimits.ports)),
      attributes: optional(attributesShape),
      private: withDefaultFlag(false),
      sni: optionalFlag(),
      expires: optional(instantShape),
      l7: withDefaultFlag(false),
    },
    check: checkSpec,
  }),
}

function checkSpec(spec: ExternalServiceSpec, node: MapNode, place: Place): void {
  const { cidrs, dns, attributes } = spec
  if (cidrs === undefined && dns === undefined) {
    complain(node.offset, place, 'expected "cidrs" or "dns": a service is known by where it is')
  }
  if (dns === undefined && (spec.private || spec.sni !== undefined)) {
    const field = spec.private ? 'private' : 'sni'
    complain(node.offset, place, `"${field}" is about the names in "dns", and there are none`)
  }
  if (cidrs === undefined && spec.ports?.some(isDatagramPort) === true) {
    const message = '"udp/PORT" and "icmp" go by networks, never by names: expected "cidrs" as well'
    complain(node.offset, place, message)
  }
  const pairs = Array.from(attributes?.values() ?? []).reduce((sum, list) => sum + list.length, 1)
  if (pairs > maxProfilePairs) {
    const seen = `expected at most ${String(maxProfilePairs - 1)} attribute values, got ${String(pairs - 1)}`
    complain(node.offset, place, seen)
  }
}

/** Complains about metadata addresses outside the one service that may name them, and the reverse. */
export function checkMetadataService(
  { name, spec }: ExternalService,
  node: MapNode,
  place: Place,
): void {
  const isMetadata = (cidr: string): boolean => metadataNetworks.includes(cidr)
  const cidrs = spec.cidrs ?? []
  const complainAbout = (message: string): void => {
    complain(offsetOf(node, 'cidrs'), { ...place, path: 'spec.cidrs' }, message)
  }
  if (name !== metadataServiceName) {
    const found = cidrs.find(isMetadata)
    if (found === undefined) return
    complainAbout(`only the service called "${metadataServiceName}" may name ${found}`)
  } else if (spec.dns !== undefined || spec.l7 || !cidrs.every(isMetadata)) {
    complainAbout(
      `the service "${metadataServiceName}" is nothing but ${metadataNetworks.join(', ')}`,
    )
  }
}

/** Where a field of the spec stands in the file; the spec's own place where it is left out. */
function offsetOf(document: MapNode, name: string): number {
  const spec = document.fields.find((field) => field.name === 'spec')?.value
  const field = spec?.kind === 'map' ? spec.fields.find((each) => each.name === name) : undefined
  return field?.offset ?? spec?.offset ?? document.offset
}

/** Whether somebody is known by the service at a time (milliseconds since the epoch). */
export function isInForce({ spec }: ExternalService, now: number): boolean {
  return spec.expires === undefined || now < spec.expires
}

const httpsPort = 443

/** Whether a TLS client that reached a port of the service by one of its names has to ask for one of them. */
export function asksForServerName({ spec }: ExternalService, port: number): boolean {
  return spec.sni ?? port === httpsPort
}

/** Whether a name (lower case, without a dot at its end) is one of the service's. */
export function isNameOf({ spec }: ExternalService, name: string): boolean {
  return spec.dns?.some((pattern) => matchesDnsName(name, pattern)) ?? false
}

/** The profile that decisions see of a service: its attributes and its name, all of them assigned. */
export function profileOfService({ name, spec }: ExternalService): TrustProfile {
  const attributes: Attribute[] = [{ key: externalNameKey, value: name, provenance: 'assigned' }]
  for (const [key, values] of spec.attributes ?? []) {
    for (const value of values) attributes.push({ key, value, provenance: 'assigned' })
  }
  return createProfile(attributes).profile
}

/** What a connection to an address that no document names is shown as. */
export const unlistedName = '(unlisted)'

/**
 * The profile of a peer outside the mesh that no document names. That it has a name is only claimed,
 * so no selector that says `external` means it; an Observe with `external: true` may let it through.
 */
export const unlistedProfile: TrustProfile = createProfile([
  { key: externalNameKey, value: unlistedName, provenance: 'claimed' },
]).profile
