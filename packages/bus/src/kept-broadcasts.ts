import { decodeEnvelope, type Envelope, type Logger } from '@moltbot/shared';

/** A visitor of what was kept, who is spared what cannot be read. */
export const readable =
  (visit: (message: Envelope) => void, log: Logger) =>
  (content: Buffer): void => {
    try {
      visit(decodeEnvelope(content));
    } catch (err) {
      log.error({ err }, 'a kept broadcast cannot be read; it is passed over');
    }
  };
