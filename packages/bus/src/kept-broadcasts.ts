import { decodeEnvelope, type Envelope, type Logger } from '@moltbot/shared';

/** What was kept, in its order, without what cannot be read. */
export function decodeBroadcasts(kept: readonly Buffer[], log: Logger): readonly Envelope[] {
  return kept.flatMap((bytes) => {
    try {
      return [decodeEnvelope(bytes)];
    } catch (err) {
      log.error({ err }, 'a kept broadcast cannot be read; it is passed over');
      return [];
    }
  });
}
