import { type ErrorCode, errorCatalog } from './error-catalog.ts';

const brand = Symbol.for('moltbot.error');

/** A place in the caller's input: a JSON pointer, a position in a text, a line of a file. */
export interface ErrorPlace {
  readonly path: string;
  readonly message: string;
}

export interface MoltErrorOptions {
  readonly cause?: unknown;
  /** Facts for machines: the limit, the fingerprint, the valid names. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Where in the caller's input it was wrong, one entry each. */
  readonly places?: readonly ErrorPlace[];
  /** What to do about it, when that is more exact than the catalog's remedy. */
  readonly remedy?: string;
}

/** The one family of errors that crosses a border. Told apart by `code`, recognised across packages by a brand. */
export class MoltError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly places: readonly ErrorPlace[];
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options: MoltErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MoltError';
    this.code = code;
    this.details = options.details ?? {};
    this.places = options.places ?? [];
    this.remedy = options.remedy ?? errorCatalog[code].remedy;
    Object.defineProperty(this, brand, { value: true });
  }

  get status(): number {
    return errorCatalog[this.code].status;
  }

  get title(): string {
    return errorCatalog[this.code].title;
  }
}

export const isMoltError = (value: unknown): value is MoltError =>
  typeof value === 'object' && value !== null && brand in value;

export const hasCode = (value: unknown, code: ErrorCode): boolean => isMoltError(value) && value.code === code;

/** Any thrown value as a `MoltError`: its own self, or wrapped under `code` with the value as cause. */
export function asMoltError(value: unknown, code: ErrorCode = 'MOLT_INTERNAL'): MoltError {
  if (isMoltError(value)) return value;
  const message = value instanceof Error ? value.message : String(value);
  return new MoltError(code, message, { cause: value });
}
