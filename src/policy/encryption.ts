/**
 * How the data of an allowed connection may travel, strictest first.
 *
 * - `required`: only inside a tunnel.
 * - `optional`: inside a tunnel between mesh peers; clear only towards a peer outside the mesh.
 * - `none`: clear although both ends are in the mesh (they still prove themselves over the tunnel).
 *
 * The order is by who can read the data of a mesh pair: an allow that says `none` cannot take away
 * the encryption that another matching allow keeps, so `none` takes effect only where *every*
 * matching allow says it (PROTOCOL §5: never by default).
 */
export const encryptions = ['required', 'optional', 'none'] as const
export type Encryption = (typeof encryptions)[number]

/** 0 for the strictest. */
export function strictnessRank(encryption: Encryption): number {
  return encryptions.indexOf(encryption)
}
