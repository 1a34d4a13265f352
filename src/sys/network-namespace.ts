import type { Libc } from './libc.ts'
import { SysError } from './sys-error.ts'

const CLONE_NEWNET = 0x40_00_00_00

/**
 * Gives this process an empty network of its own; sockets that are open stay where they are. To the
 * kernel a thread has a network namespace, so this must be the thread that opens sockets and starts
 * processes, which in Node is the main one. Throws `ERR_SYSTEM_CALL`, without CAP_SYS_ADMIN for one.
 */
export function enterNewNetwork(libc: Pick<Libc, 'unshare' | 'errno'>): void {
  if (libc.unshare(CLONE_NEWNET) === 0) return
  const errno = libc.errno()
  throw new SysError(
    'ERR_SYSTEM_CALL',
    `no network namespace can be made here (errno ${String(errno)})`,
    { errno },
  )
}
