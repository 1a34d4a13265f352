import { status } from '@grpc/grpc-js'
import type { handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js'
import { adminService, enrolmentService, healthService, meshService } from '../../rpc/index.ts'
import type { HealthCheckRequest__Output } from '../../rpc/generated/grpc/health/v1/HealthCheckRequest.ts'
import type { HealthCheckResponse } from '../../rpc/generated/grpc/health/v1/HealthCheckResponse.ts'
import type { Connections } from './connections.ts'
import { MalformedRequest, type ServedService } from './rpc.ts'

const services = new Set(['', ...[adminService, enrolmentService, meshService].map(serviceName)])

function serviceName(service: object): string {
  const [method] = Object.values(service) as { readonly path: string }[]
  return method?.path.split('/')[1] ?? ''
}

/** The standard health service (grpc.health.v1), open to everybody as load balancers need it. */
export function createHealthService(
  isServing: () => boolean,
  connections: Pick<Connections, 'of'>,
): ServedService {
  const answer = (): HealthCheckResponse => ({ status: isServing() ? 'SERVING' : 'NOT_SERVING' })
  const isKnown = (request: HealthCheckRequest__Output | MalformedRequest): boolean =>
    !(request instanceof MalformedRequest) && services.has(request.service)
  const unknown = { code: status.NOT_FOUND, details: 'unknown service' }

  const check: handleUnaryCall<
    HealthCheckRequest__Output | MalformedRequest,
    HealthCheckResponse
  > = (call, callback) => {
    // Whoever asks from time to time is not silent.
    const connection = connections.of(call.getPeer())
    connection?.enter()
    connection?.leave()
    if (isKnown(call.request)) callback(null, answer())
    else callback(unknown)
  }
  // States here change with the process alone: one answer, and then the end of the connection.
  const watch: handleServerStreamingCall<
    HealthCheckRequest__Output | MalformedRequest,
    HealthCheckResponse
  > = (call) => {
    connections.of(call.getPeer())?.hold(call)
    if (isKnown(call.request)) call.write(answer())
    else call.write({ status: 'SERVICE_UNKNOWN' })
  }
  return { definition: healthService, handlers: { Check: check, Watch: watch } }
}
