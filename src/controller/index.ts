/**
 * The controller: enrols workloads, issues and revokes their SVIDs, keeps the documents, tells every
 * sidecar what concerns it, and takes their flows in. State lives in memory and in the store: each
 * change is written first, one at a time, and then takes effect; reads need no disk.
 */
export { defaultLimits, defaultTimings, type ControllerConfig } from './config.ts'
export { startController, type Controller, type ControllerDeps } from './controller.ts'
export { ControllerError, type ControllerErrorCode } from './controller-error.ts'
export { isLoopbackHost, parseOrigin, type GatewayConfig } from './gateway/gateway-config.ts'
export { parseOidcConfig, type OidcIssuer } from './oidc/oidc-config.ts'
