/** A value that must not reach a log, an error or a response. Strings and JSON show `[redacted]`; inspection shows nothing, as the field is private. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Call it where the value is used, not where it is passed on. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }
}
