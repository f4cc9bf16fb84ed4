import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { onTestFinished } from 'vitest';
import { z } from 'zod';

export const secret: string = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface Body {
  readonly type: 'notification';
  readonly timestamp: string;
  readonly data: {
    readonly tenant: string;
    readonly channel: string;
    readonly digest: boolean;
    readonly severity: string;
    readonly notifications: readonly { readonly id: string; readonly title: string; readonly repeats: number }[];
  };
}

const Body: z.ZodType<Body> = z.object({
  type: z.literal('notification'),
  timestamp: z.iso.datetime(),
  data: z.looseObject({
    tenant: z.string(),
    channel: z.string(),
    digest: z.boolean(),
    severity: z.string(),
    notifications: z.array(z.looseObject({ id: z.string(), title: z.string(), repeats: z.int() })),
  }),
});

export interface Post {
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  /** As it came. */
  readonly text: string;
  readonly body: Body;
}

export interface Receiver {
  readonly url: string;
  readonly posts: readonly Post[];
}

/** An HTTP server that takes posts whose signatures are right, and answers 204 unless told otherwise. */
export async function startReceiver(
  answer: (response: ServerResponse, nth: number) => void = (response) => void response.writeHead(204).end(),
): Promise<Receiver> {
  const posts: Post[] = [];
  const webhook = new Webhook(secret);
  const server = createServer(async (request, response) => {
    const raw = await buffer(request);
    const { headers } = request;
    try {
      const named = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, `${headers[name]}`]);
      const body = Body.parse(webhook.verify(raw.toString(), Object.fromEntries(named)));
      posts.push({ id: `${headers['webhook-id']}`, headers, text: raw.toString(), body });
      answer(response, posts.length);
    } catch (error) {
      response.writeHead(401).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the port cannot be read');
  return { url: `http://127.0.0.1:${address.port}/hook`, posts };
}
