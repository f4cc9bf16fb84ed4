import { asMoltError, type ErrorPlace, isMoltError, MoltError } from '@moltbot/shared';
import type { FastifyError, FastifySchemaValidationError } from 'fastify';

const partNames: Readonly<Record<string, string>> = { querystring: 'query', headers: 'headers', params: 'path' };

/** Anything thrown while a request was handled, fastify's own errors too, as an error with a code. */
export function toMoltError(error: unknown, bodyLimitBytes: number): MoltError {
  if (isMoltError(error)) return error;
  const { code = '', statusCode = 500, validation, validationContext, message } = error as Partial<FastifyError>;
  if (validation) return invalidRequest(validation, validationContext ?? 'body');
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new MoltError('MOLT_BODY_TOO_LARGE', `the body is larger than ${bodyLimitBytes} bytes`);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new MoltError('MOLT_BAD_MEDIA_TYPE', 'the body must be application/json');
  if (statusCode >= 400 && statusCode < 500)
    return new MoltError('MOLT_BAD_REQUEST', message ?? 'the request cannot be read', { cause: error });
  return asMoltError(error);
}

/** Why a text is not JSON, with the place where the parser knows it. Never the text itself: it may hold a secret. */
export function badJson(text: string): MoltError {
  const failure = parseFailure(text);
  if (failure === '')
    return new MoltError('MOLT_BAD_JSON', 'the body holds a key that is refused: __proto__ or constructor');
  const position = Number(/at position (\d+)/.exec(failure)?.[1] ?? readableLength(text));
  const lines = text.slice(0, position).split('\n');
  const place = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
  return new MoltError('MOLT_BAD_JSON', `the body is not JSON: see ${place}`, {
    places: [{ path: '/body', message: `wrong at position ${position}` }],
  });
}

/** How much of the text is the beginning of JSON: V8 does not say where it met an unexpected token, so this halves. */
function readableLength(text: string): number {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (parseFailure(text.slice(0, middle + 1)).includes('Unexpected token')) high = middle;
    else low = middle + 1;
  }
  return low;
}

function parseFailure(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    return String(error);
  }
}

function invalidRequest(issues: readonly FastifySchemaValidationError[], part: string): MoltError {
  const places = issues.flatMap((issue) => toPlaces(issue, `/${partNames[part] ?? part}`));
  const named = places.slice(0, 3).map(({ path, message }) => `${path} ${message}`);
  const rest = places.length > 3 ? ` and ${places.length - 3} more` : '';
  return new MoltError('MOLT_BAD_REQUEST', named.join('; ') + rest, { places });
}

function toPlaces(issue: FastifySchemaValidationError, part: string): ErrorPlace[] {
  const path = issue.instancePath === '/' ? part : `${part}${issue.instancePath}`;
  const keys = issue.params['keys'];
  if (issue.keyword === 'unrecognized_keys' && Array.isArray(keys))
    return keys.map((key) => ({ path: `${path}/${String(key)}`, message: `is not a ${kindOf(part)} here` }));
  return [{ path, message: inWords(issue.message ?? 'is not valid') }];
}

const kindOf = (part: string): string => (part === '/query' ? 'parameter' : 'field');

/** The validator's words, without those that say nothing. */
function inWords(message: string): string {
  const plain = message.replace(/^Invalid (?:input|option): /, '').replace(/, received undefined$/, '');
  if (plain !== message && message.endsWith('received undefined')) return `is required: ${plain}`;
  return plain === message && /^[A-Z]/.test(message) ? `is wrong: ${message}` : plain;
}
