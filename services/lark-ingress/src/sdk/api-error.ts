import { isMoltError, MoltError } from '@moltbot/shared';

/** What a request came to that was no success. */
export interface Failure {
  /** Of HTTP; undefined when there was no answer. */
  readonly status: number | undefined;
  /** Of the platform. */
  readonly code: number | undefined;
  readonly message: string;
  /** From its headers. */
  readonly resetSeconds: number | undefined;
}

export type CodeGroup =
  | 'tokenRevoked'
  | 'limited'
  | 'gone'
  | 'notInChat'
  | 'noScope'
  | 'repeatedUuid'
  | 'staleSequence'
  | 'notStreaming'
  | 'noCardEntity';

/** Codes of https://open.feishu.cn/document/server-docs/api-call-guide/generic-error-code and of the pages of each API. */
const codes: Readonly<Record<CodeGroup, readonly number[]>> = {
  tokenRevoked: [99991663, 99991661, 99991671],
  limited: [99991400, 230020, 11232, 11233, 200810],
  /** Message, chat, or card is no more, or too old to be changed. */
  gone: [230011, 230110, 99992354, 230031, 230005, 230072, 230075, 232006, 200740, 200750, 200000],
  notInChat: [230002, 232011],
  noScope: [99991672, 230027],
  repeatedUuid: [200770],
  staleSequence: [300317],
  /** Text cannot be streamed into the card as it is now; the whole of it can be changed. */
  notStreaming: [300309, 200850, 300310, 300313],
  noCardEntity: [10002, 200740, 300311],
};

/** Whether an error is a refusal by the platform with one of these codes. */
export function isRefusal(error: unknown, group: CodeGroup): boolean {
  const code = isMoltError(error) ? error.details['larkCode'] : undefined;
  return typeof code === 'number' && has(group, code);
}

const has = (group: CodeGroup, code: number): boolean => codes[group].includes(code);

const isIn = (failure: Failure, group: CodeGroup): boolean => failure.code !== undefined && has(group, failure.code);

const defaultResetSeconds = 1;
const advice: Partial<Record<CodeGroup, string>> = {
  notInChat: 'Add the bot to the chat: settings of the chat, Bots.',
  noScope: 'Give the app the scopes that docs/platforms/lark.md lists, and publish a version of it.',
};

/** @param what was asked for: `POST /open-apis/im/v1/messages` */
export function toMoltError(failure: Failure, what: string, cause: unknown): MoltError {
  const { status, code, message, resetSeconds = defaultResetSeconds } = failure;
  const details = { larkCode: code, status };
  const text = `${what}: ${message}`;
  if (status === 429 || isIn(failure, 'limited')) {
    return new MoltError('MOLT_CHAT_LIMITED', text, {
      cause,
      details: { ...details, retryAfterMs: resetSeconds * 1_000 },
    });
  }
  if (status === undefined || status >= 500) return new MoltError('MOLT_CHAT_DOWN', text, { cause, details });
  if (isIn(failure, 'gone')) return new MoltError('MOLT_CHAT_GONE', text, { cause, details });
  const remedy = isIn(failure, 'notInChat') ? advice.notInChat : isIn(failure, 'noScope') ? advice.noScope : undefined;
  return new MoltError('MOLT_CHAT_REFUSED', text, { cause, details, ...(remedy === undefined ? {} : { remedy }) });
}

/** A body of HTTP 200 that is a refusal; undefined for a success. */
export function failureIn(body: unknown): Failure | undefined {
  const { code, msg } = fieldsOf(body);
  if (typeof code !== 'number' || code === 0) return undefined;
  return { status: 200, code, message: `code ${code}, ${String(msg)}`, resetSeconds: undefined };
}

/** What the SDK rejected with. */
export function failureOf(error: unknown): Failure {
  const { response, message } = fieldsOf(error);
  const text = String(message ?? error);
  if (response === undefined) {
    // So it tells of a token that it was not given: the platform answers 200 then.
    const [, code] = /\bcode: (\d+)/.exec(text) ?? [];
    const isRefused = code !== undefined && code !== '0';
    return {
      status: isRefused ? 200 : undefined,
      code: isRefused ? Number(code) : undefined,
      message: text,
      resetSeconds: undefined,
    };
  }
  const { status, data, headers } = fieldsOf(response);
  const body = fieldsOf(parsed(data));
  const code = typeof body['code'] === 'number' ? body['code'] : undefined;
  const reset = Number(fieldsOf(headers)['x-ogw-ratelimit-reset']);
  return {
    status: typeof status === 'number' ? status : undefined,
    code,
    message: code === undefined ? text : `code ${code}, ${String(body['msg'])}`,
    resetSeconds: reset > 0 ? reset : undefined,
  };
}

function parsed(data: unknown): unknown {
  if (!Buffer.isBuffer(data)) return data;
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
    ? { ...value, ...('message' in value ? { message: value.message } : {}) }
    : {};
