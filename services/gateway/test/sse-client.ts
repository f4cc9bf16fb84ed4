export interface Message {
  readonly id?: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

/** What a stream says: messages, and the text of comments. */
export type Said = Message | { readonly comment: string };

export const isMessage = (said: Said): said is Message => 'event' in said;

/** Reads an event stream as WHATWG HTML §9.2.6 has it, as far as Moltbot uses it. */
export async function* readEvents(response: Response): AsyncGenerator<Said> {
  if (!response.body) throw new Error('no body');
  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const said = parse(block);
      if (said) yield said;
    }
  }
}

/** All messages until the stream ends. */
export async function allMessages(response: Response): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const said of readEvents(response)) if (isMessage(said)) messages.push(said);
  return messages;
}

/** The bytes an output message carries. */
export function bytesOf({ data }: Message): Buffer {
  const { text, base64 } = data;
  if (typeof text === 'string') return Buffer.from(text);
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
  throw new Error(`no bytes in ${JSON.stringify(data)}`);
}

function parse(block: string): Said | undefined {
  if (block.startsWith(':')) return { comment: block.slice(2) };
  const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2)));
  if (fields['event'] === undefined) return undefined;
  const message = { event: String(fields['event']), data: JSON.parse(String(fields['data'])) };
  return fields['id'] === undefined ? message : { ...message, id: String(fields['id']) };
}
