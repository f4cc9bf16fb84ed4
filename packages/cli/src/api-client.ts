export interface ApiAddress {
  /** `http://127.0.0.1:8420` */
  readonly url: string;
  readonly key: string;
}

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

/** `refused` holds what is to be told. */
export type ApiAnswer =
  | { readonly kind: 'done'; readonly body: unknown }
  | { readonly kind: 'refused'; readonly why: string };

/** What a gateway is given to answer. */
const patienceMs = 30_000;

/** Makes one call of the HTTP API. Never rejects: what cannot be reached or read is refused, too. */
export async function callApi({ url, key }: ApiAddress, { method, path, body }: ApiCall): Promise<ApiAnswer> {
  try {
    const response = await fetch(new URL(path, url), {
      method,
      // A redirect would carry the key to where it leads.
      redirect: 'error',
      signal: AbortSignal.timeout(patienceMs),
      headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.ok) return { kind: 'done', body: text === '' ? undefined : JSON.parse(text) };
    return { kind: 'refused', why: inWords(response.status, text) };
  } catch (error) {
    return { kind: 'refused', why: `${url} cannot be asked: ${reasonOf(error)}` };
  }
}

/** A problem as `CODE: detail. remedy`. */
function inWords(status: number, text: string): string {
  const { code, detail, remedy } = fieldsOf(text);
  if (typeof code !== 'string') return `the answer has the status ${status} and is none of Moltbot`;
  return `${code}: ${String(detail).replace(/\.$/, '')}. ${String(remedy)}`;
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** fetch itself only says that it failed; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? cause.message || cause.name : error.message;
}
