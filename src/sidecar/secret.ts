/** A text that must not reach a log, a dump or an error message: it has to be asked for by name. Inspection does not show private fields. */
export class Secret {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }

  /** The text itself, for the one place that sends it. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }
}
