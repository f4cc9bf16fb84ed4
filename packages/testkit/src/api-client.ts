/** A run as the API shows it. */
export interface RunView {
  readonly id: string;
  readonly target: string;
  readonly state: string;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly truncated?: boolean;
  readonly data?: unknown;
  readonly attempts: number;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
}

export interface TaskView {
  readonly id: string;
  readonly state: string;
  readonly action: string;
  readonly runs: readonly RunView[];
}

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface SseEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** The HTTP API as a client of it sees it. */
export interface ApiClient {
  readonly url: string;
  readonly key: string;
  post<T = TaskView>(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer<T>>;
  get<T = TaskView>(path: string, headers?: Record<string, string>): Promise<Answer<T>>;
  /** Posts a shell command and waits for its end, 60 s unless said otherwise. */
  shell(command: string, on: string, more?: Record<string, unknown>): Promise<TaskView>;
  events(
    taskId: string,
    options?: { readonly lastEventId?: string; readonly signal?: AbortSignal },
  ): AsyncGenerator<SseEvent>;
  raw(path: string, init?: RequestInit): Promise<Response>;
}

export function createApiClient(url: string, key: string): ApiClient {
  const raw = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) },
    });

  const answer = async <T>(response: Response): Promise<Answer<T>> => ({
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as T,
  });

  const post = async <T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> =>
    answer<T>(
      await raw(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    );

  return {
    url,
    key,
    raw,
    post,
    get: async (path, headers = {}) => answer(await raw(path, { headers })),
    async shell(command, on, more = {}) {
      const { status, body } = await post<TaskView>('/v1/tasks?wait=60s', {
        action: 'shell.run',
        args: { command },
        on,
        ...more,
      });
      if (status !== 200) throw new Error(`expected 200, got ${status}: ${JSON.stringify(body)}`);
      return body;
    },
    async *events(taskId, { lastEventId, signal } = {}) {
      const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
      const response = await raw(`/v1/tasks/${taskId}/events`, { headers, ...(signal ? { signal } : {}) });
      if (!response.body) throw new Error('the stream has no body');
      let text = '';
      for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
        text += part;
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
          const event = parseEvent(block);
          if (event) yield event;
        }
      }
    },
  };
}

function parseEvent(block: string): SseEvent | undefined {
  const fields = new Map(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const event = fields.get('event');
  if (event === undefined) return undefined;
  return { event, id: fields.get('id'), data: JSON.parse(fields.get('data') ?? '{}') as Record<string, unknown> };
}
