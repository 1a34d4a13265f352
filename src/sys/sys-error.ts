/** What went wrong below Node. */
export type SysErrorCode =
  | 'ERR_FFI' // the foreign function interface cannot be loaded on this machine
  | 'ERR_SOCKET_FD' // this version of Node does not show a socket's file descriptor
  | 'ERR_SYSTEM_CALL' // the kernel refused a call; `errno` says why

/** A failure of a system call, or of the way to it. */
export class SysError extends Error {
  override readonly name = 'SysError'
  readonly code: SysErrorCode
  readonly errno: number | undefined
  constructor(
    code: SysErrorCode,
    message: string,
    options?: ErrorOptions & { readonly errno?: number },
  ) {
    super(message, options)
    this.code = code
    this.errno = options?.errno
  }
}
