import { SysError } from './sys-error.ts'

/** The few C functions that are called, with Buffers where C has pointers. Each gives -1 for a failure. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: Buffer): number
  send(fd: number, bytes: Buffer, length: number, flags: number): number
  recv(fd: number, bytes: Buffer, length: number, flags: number): number
  close(fd: number): number
  unshare(flags: number): number
  /** Why the last call failed; valid only until anything else is called. */
  errno(): number
}

/** glibc first; the other is musl under the name that it has beside its loader. */
const libraries = ['libc.so.6', 'libc.so']

/** Loads the foreign function interface and binds what is needed. Rejects with `ERR_FFI`. */
export async function loadLibc(): Promise<Libc> {
  try {
    const { default: koffi } = await import('koffi')
    const library = firstThatLoads((name) => koffi.load(name))
    return {
      socket: library.func('int socket(int, int, int)') as Libc['socket'],
      getsockopt: library.func(
        'int getsockopt(int, int, int, void *, void *)',
      ) as Libc['getsockopt'],
      // C's ssize_t: koffi gives a number where it is a safe integer, as all of these lengths are.
      send: library.func('long send(int, void *, size_t, int)') as Libc['send'],
      recv: library.func('long recv(int, void *, size_t, int)') as Libc['recv'],
      close: library.func('int close(int)') as Libc['close'],
      unshare: library.func('int unshare(int)') as Libc['unshare'],
      errno: () => koffi.errno(),
    }
  } catch (cause: unknown) {
    throw new SysError('ERR_FFI', 'cannot call into the C library', { cause })
  }
}

function firstThatLoads<T>(load: (name: string) => T): T {
  const failures: unknown[] = []
  for (const name of libraries) {
    try {
      return load(name)
    } catch (error: unknown) {
      failures.push(error)
    }
  }
  throw new AggregateError(failures, `none of ${libraries.join(', ')} can be loaded`)
}
