/**
 * The sidecar: guards the traffic of one workload. Control plane: enrols, keeps the SVID fresh,
 * follows the controller's policy, floors and bundle, and keeps all of it sealed on disk so that a
 * restart needs nobody. Data plane: takes connections of the local program (egress) and tunnels of
 * other sidecars (ingress), decides on both, relays bytes, and decides again whenever something that
 * a decision rests on has changed. Every connection ends in one flow record.
 */
export { readSidecarConfig, sidecarVariables, type SidecarConfig } from './config.ts'
export type { InstanceMetadata } from './instance-metadata.ts'
export { SidecarError, type SidecarErrorCode } from './sidecar-error.ts'
export { startSidecar, type Sidecar, type SidecarOptions } from './sidecar.ts'
