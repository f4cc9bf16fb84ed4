import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { GatewayContext } from './context.ts';

/**
 * The pieces as they are made, no faster than the client takes them. When making them fails, the connection breaks:
 * the head is long sent, and an end that looks like a good one would be a lie. A client that leaves ends the pieces too.
 */
export function toStream(
  { log }: GatewayContext,
  reply: FastifyReply,
  pieces: AsyncIterable<string | Buffer>,
): Readable {
  const stream = Readable.from(pieces, { objectMode: false });
  stream.once('error', (err) => log.warn({ requestId: reply.request.id, err }, 'a response broke off'));
  return stream;
}
