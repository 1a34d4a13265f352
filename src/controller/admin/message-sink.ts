/** Where the messages of a stream go, over gRPC or HTTP. */
export interface MessageSink<Message> {
  /** False when the reader is too slow: nothing more until `drain`. */
  write(message: Message): boolean
  once(event: 'drain', callback: () => void): unknown
}
