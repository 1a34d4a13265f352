/**
 * A port of loopback where the rules of transparent capture answer a sidecar, and nobody else, that the
 * way is prohibited. Without the rules it finds a port that is closed, or a program.
 */
export const rulesProbe = { host: '127.0.0.1', port: 1 } as const
