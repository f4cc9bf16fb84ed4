import { type CallbacksConfig, MoltError } from '@moltbot/shared';
import { whyNotCallable } from '@moltbot/webhooks';

/** @throws MOLT_BAD_CALLBACK when the URL may not be called, as far as its text tells: names are looked up when it is called. */
export function assertCallbackAllowed(url: string, { allow }: CallbacksConfig): void {
  const message = whyNotCallable(url, { allow, setting: 'callbacks.allow' });
  if (message === undefined) return;
  throw new MoltError('MOLT_BAD_CALLBACK', `the callback ${message}`, { places: [{ path: '/callback/url', message }] });
}
