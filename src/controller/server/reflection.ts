import { status, type ServerDuplexStream } from '@grpc/grpc-js'
import {
  protoFiles,
  reflectionAlphaService,
  reflectionService,
  type ReflectedFile,
} from '../../rpc/index.ts'
import type { ServerReflectionRequest__Output } from '../../rpc/generated/grpc/reflection/v1/ServerReflectionRequest.ts'
import type { ServerReflectionResponse } from '../../rpc/generated/grpc/reflection/v1/ServerReflectionResponse.ts'
import { checkStillGood, type Caller, type Trust } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import type { Authenticate } from '../oidc/bearer.ts'
import { wellFormedMessage, type CallAdapter, type ServedService } from './rpc.ts'

type Call = ServerDuplexStream<ServerReflectionRequest__Output, ServerReflectionResponse>

const methodName = 'Reflection.ServerReflectionInfo'

/**
 * Server reflection, version 1 and its alpha, for callers who have shown who they are: what there is
 * to call is nothing that a stranger has to know.
 */
export function createReflectionServices(deps: {
  readonly adapter: CallAdapter
  readonly authenticate: Authenticate
  readonly trust: Trust
}): readonly ServedService[] {
  const { adapter, authenticate, trust } = deps
  let files: readonly ReflectedFile[] | undefined

  const check = async (connected: Caller, call: Call): Promise<void> => {
    checkStillGood(connected, trust)
    const caller = await authenticate(connected, call.metadata.get('authorization').map(String))
    if (caller.kind !== 'administrator' && caller.kind !== 'workload') {
      throw new ControllerError(
        'ERR_UNAUTHENTICATED',
        'this call needs a certificate or a token, and there was neither',
      )
    }
  }

  const serve = async (caller: Caller, call: Call): Promise<void> => {
    await check(caller, call)
    files ??= protoFiles()
    const known = files
    // A stream that is destroyed by leaving the loop would end without a status.
    for await (const message of call.iterator({ destroyOnReturn: false })) {
      // A stream may outlive what its caller was let in by.
      await check(caller, call)
      const request = wellFormedMessage(message as ServerReflectionRequest__Output)
      call.write({ validHost: request.host, originalRequest: request, ...answer(known, request) })
    }
    call.end()
  }
  const handler = adapter.duplex<ServerReflectionRequest__Output, ServerReflectionResponse>(
    methodName,
    (caller, call) => {
      serve(caller, call).catch((error: unknown) => {
        if (!call.cancelled) call.emit('error', adapter.refuse(methodName, caller, error))
      })
    },
  )
  return [reflectionService, reflectionAlphaService].map((definition) => ({
    definition,
    handlers: { ServerReflectionInfo: handler },
  }))
}

function answer(
  files: readonly ReflectedFile[],
  request: ServerReflectionRequest__Output,
): ServerReflectionResponse {
  switch (request.messageRequest) {
    case 'listServices': {
      const names = files.flatMap(({ services }) => services).sort()
      return { listServicesResponse: { service: names.map((name) => ({ name })) } }
    }
    case 'fileByFilename':
      return fileOf(files.find(({ name }) => name === request.fileByFilename))
    case 'fileContainingSymbol': {
      const symbol = request.fileContainingSymbol ?? ''
      return fileOf(files.find(({ symbols }) => symbols.has(symbol)))
    }
    case 'fileContainingExtension':
    case 'allExtensionNumbersOfType':
      return refusal(status.NOT_FOUND, 'there are no extensions')
    case undefined:
      return refusal(status.INVALID_ARGUMENT, 'expected a question')
    default:
      return request.messageRequest satisfies never
  }
}

function fileOf(file: ReflectedFile | undefined): ServerReflectionResponse {
  return file === undefined
    ? refusal(status.NOT_FOUND, 'there is nothing of that name')
    : { fileDescriptorResponse: { fileDescriptorProto: [file.bytes] } }
}

function refusal(errorCode: status, errorMessage: string): ServerReflectionResponse {
  return { errorResponse: { errorCode, errorMessage } }
}
