import { ApiError, refusal } from './api-error.ts';

/** What is wrong with a card. The message API wraps it into its own code, the card API says it as it is. */
export class CardFault extends Error {
  readonly code: number;
  private readonly path: string | undefined;
  private readonly value: string | undefined;

  constructor(code: number, message: string, where: { readonly path?: string; readonly value?: string } = {}) {
    super(message);
    this.code = code;
    this.path = where.path;
    this.value = where.value;
  }

  /** Code 230099 with the rest in `ext`. */
  forMessage(): ApiError {
    return refusal('badCard', `ErrCode: ${this.code}; ${this.text()}`);
  }

  forCard(): ApiError {
    return new ApiError(400, this.code, this.text());
  }

  private text(): string {
    const path = this.path === undefined ? '' : `ErrPath: ${this.path}; `;
    const value = this.value === undefined ? '' : ` ErrorValue: ${this.value};`;
    return `${path}ErrMsg: ${this.message};${value}`;
  }
}
