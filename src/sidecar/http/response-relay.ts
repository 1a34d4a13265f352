import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer } from './answer.ts'
import { forwardedLines, forwardedTrailers, headerLines } from './header-lines.ts'

/**
 * Passes the application's answer on as it comes: each header line, the body at the reader's pace, trailers.
 * One that Node reads but does not write, such as with a status of 000, is answered for with 502.
 */
export function relayResponse(
  message: IncomingMessage,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const lines = forwardedLines(headerLines(message.rawHeaders))
  if (request.httpVersion === '1.0') lines.delete('transfer-encoding')
  const flat = Array.from(lines).flatMap(([name, values]) =>
    values.flatMap((value) => [name, value]),
  )
  response.sendDate = false
  try {
    response.writeHead(message.statusCode ?? 502, message.statusMessage, flat)
  } catch {
    message.destroy()
    answer(request, response, 502, 'protocol-error')
    return
  }
  message.pipe(response, { end: false })
  message.once('end', () => {
    const trailers = forwardedTrailers(message.rawTrailers)
    if (trailers.length > 0) response.addTrailers(trailers)
    response.end()
  })
  message.once('close', () => {
    // The application broke off: an answer that is cut must not look whole.
    if (!message.complete) request.socket.destroy()
  })
}
