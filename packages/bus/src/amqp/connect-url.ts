import { MoltError, Secret } from '@moltbot/shared';

/** Seconds. Two missed ones mean that the peer is gone. */
const heartbeat = 10;

/**
 * The url as it is given to the client: with our heartbeat, unless it names one.
 * @throws MOLT_BAD_CONFIG when it is not a url of AMQP. The error does not show it, as it holds a password.
 */
export function connectUrl(url: Secret): Secret {
  const parsed = URL.parse(url.reveal());
  if (!parsed || !['amqp:', 'amqps:'].includes(parsed.protocol)) {
    throw new MoltError('MOLT_BAD_CONFIG', 'the url of the bus must begin with amqp:// or amqps://');
  }
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', String(heartbeat));
  return new Secret(parsed.href);
}
