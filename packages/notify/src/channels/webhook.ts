import { type NotifierChannel, sendFailed, sendRefused } from '@moltbot/plugin-sdk';
import type { Clock, WebhookChannelConfig } from '@moltbot/shared';
import { createPoster, guardOf, postSigned, whyNotCallable } from '@moltbot/webhooks';
import { batchToBody } from './batch-to-body.ts';

const timeoutMs = 15_000;
const setting = 'allow of the channel';

/** Posts to an address, signed (https://www.standardwebhooks.com). @throws an Error when the address may not be called */
export function openWebhook(
  { url: hidden, secret, allow }: WebhookChannelConfig,
  { clock }: { readonly clock: Clock },
): NotifierChannel {
  const why = whyNotCallable(hidden.reveal(), { allow, setting });
  if (why !== undefined) throw new Error(`url ${why}`);
  const url = new URL(hidden.reveal());
  const poster = createPoster({ guard: guardOf({ allow, setting }, 'MOLT_NOTIFY_FAILED'), timeoutMs, clock });
  return {
    async send(batch, { signal }) {
      const post = { url, secret: secret.reveal(), id: batch.id, body: batchToBody(batch) };
      const verdict = await postSigned(post, { poster, clock, signal });
      if (verdict.kind === 'delivered') return;
      if (verdict.kind === 'interrupted') throw signal.reason;
      const said = `${url.host} answered ${verdict.why}`;
      if (verdict.kind === 'refused') throw sendRefused(said);
      const { status, retryAfterMs } = verdict;
      throw sendFailed(status === undefined ? `${url.host}: ${verdict.why}` : said, { retryAfterMs });
    },
    async close() {
      poster.close();
    },
  };
}
