import { pino, type DestinationStream } from 'pino'

/** Whole records up to this size wait for each other; a write of more goes out at once. */
const waitingBytes = 8 * 1024
const longestWaitMs = 50

/**
 * Standard output, many records to a write: a busy sidecar logs thousands of connections a second, and
 * each write would cost a thread change. A record waits 50 ms at most; what waits when the process
 * exits, also by an uncaught error, is written then. A reader that is slow never stops the process.
 */
export function bufferedStdout(): DestinationStream {
  const output = pino.destination({ fd: 1, sync: false, minLength: waitingBytes })
  let isWaiting = false
  const flush = (): void => {
    isWaiting = false
    output.flush()
  }
  return {
    write: (line) => {
      output.write(line)
      if (isWaiting) return
      isWaiting = true
      setTimeout(flush, longestWaitMs).unref()
    },
  }
}
