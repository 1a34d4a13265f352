/**
 * Why a connection was allowed, denied or cut: the closed set that flows, metrics, logs and the
 * console share. The number is the code that a reset carries on the tunnel (0 = none); numbers are
 * never reused.
 */
export const reasons = {
  'allowed-by-policy': 1,
  'allowed-by-observe': 2,
  'allowed-by-external': 3,

  'no-policy-matched': 16,
  'denied-by-policy': 17,
  guardrail: 18,
  'condition-unknown': 19,
  'encryption-required': 20,
  'http-required': 21,
  'wrong-server-name': 22,
  'relay-untrusted': 23,
  'token-missing': 24,

  'no-policy-yet': 32,
  'policy-stale': 33,
  'identity-expired': 34,
  'below-floor': 35,
  'untrusted-peer': 36,
  'profile-mismatch': 37,

  'no-tunnel': 48,
  'wrong-workload': 49,
  'not-the-workload': 50,
  'mesh-peer-in-clear': 51,
  'not-a-tunnel': 52,

  'application-refused': 64,
  'application-timeout': 65,
  'application-unreachable': 66,
  'connection-reset': 67,

  'limit-reached': 80,
  draining: 81,
  'protocol-error': 82,
  'internal-error': 83,
  'clock-skew': 84,

  'token-invalid': 96,
  'token-expired': 97,
  'token-unavailable': 98,
  'proof-invalid': 99,
  'proof-expired': 100,
  'proof-mismatch': 101,
  'proof-replayed': 102,
} as const

export type Reason = keyof typeof reasons

const byCode = new Map<number, Reason>(
  Object.entries(reasons).map(([reason, code]) => [code, reason as Reason]),
)

/** The reason that a wire code stands for; a code from a newer peer is a `protocol-error`. */
export function reasonOfCode(code: number): Reason {
  return byCode.get(code) ?? 'protocol-error'
}

export function isReason(text: string): text is Reason {
  return Object.hasOwn(reasons, text)
}
