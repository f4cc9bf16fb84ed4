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
  const [, position, line, column] =
    /at position (\d+)(?: \(line (\d+) column (\d+)\))?/.exec(parseFailure(text)) ?? [];
  if (position === undefined) return new MoltError('MOLT_BAD_JSON', 'the body is not JSON');
  const place = line === undefined ? `position ${position}` : `line ${line}, column ${column}`;
  return new MoltError('MOLT_BAD_JSON', `the body is not JSON: see ${place}`, {
    places: [{ path: '/body', message: `wrong at position ${position}` }],
  });
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
    return keys.map((key) => ({ path: `${path}/${String(key)}`, message: 'is not a field here' }));
  return [{ path, message: inWords(issue.message ?? 'is not valid') }];
}

/** The validator's words, without those that say nothing. */
function inWords(message: string): string {
  const plain = message.replace(/^Invalid (?:input|option): /, '').replace(/, received undefined$/, '');
  if (plain !== message && message.endsWith('received undefined')) return `is required: ${plain}`;
  return plain === message && /^[A-Z]/.test(message) ? `is wrong: ${message}` : plain;
}
