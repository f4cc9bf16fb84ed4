import { X509Certificate } from 'node:crypto';
import { type NotificationBatch, type NotifierChannel, sendFailed, sendRefused } from '@moltbot/plugin-sdk';
import type { EmailChannelConfig } from '@moltbot/shared';
import { createTransport, type SMTPTransportOptions } from 'nodemailer';
import { batchToHtml } from './batch-to-html.ts';
import { batchToText, subjectOf } from './batch-to-text.ts';

/** Longest waits for the server, ms; the caller limits the whole. */
const timeouts = { connectionTimeout: 10_000, greetingTimeout: 10_000, dnsTimeout: 10_000, socketTimeout: 30_000 };

/** Sends e-mail over SMTP, a connection a message. @throws an Error when the certificates of `ca` cannot be read */
export function openEmail(config: EmailChannelConfig): NotifierChannel {
  const transport = createTransport(transportOf(config));
  return {
    async send(batch, { signal, log }) {
      const message = messageOf(batch, config);
      const { rejected } = await transport.sendMail({ ...message, signal }).catch((error: unknown) => {
        throw signal.aborted ? signal.reason : failureOf(error, config);
      });
      // The others have it: sent again they would have it twice.
      if (rejected.length > 0) log.warn({ rejected }, 'the mail server refused some of the recipients');
    },
    async close() {
      transport.close();
    },
  };
}

function transportOf({ host, port, security, user, password, ca }: EmailChannelConfig): SMTPTransportOptions {
  // Reads them now, so that a mistake shows at the start.
  if (ca !== undefined) new X509Certificate(ca);
  return {
    ...{ host, port, ...timeouts },
    ...{ secure: security === 'tls', requireTLS: security === 'starttls', ignoreTLS: security === 'none' },
    ...(user !== undefined && password && { auth: { user, pass: password.reveal() } }),
    ...(ca !== undefined && { tls: { ca } }),
    ...{ disableFileAccess: true, disableUrlAccess: true },
  };
}

function messageOf(batch: NotificationBatch, { from, to }: EmailChannelConfig) {
  const host = from.replace(/^.*@/, '').replace(/>$/, '');
  return {
    ...{ from, to: [...to], subject: subjectOf(batch), text: batchToText(batch), html: batchToHtml(batch) },
    messageId: `<${batch.id}@${host}>`,
    date: new Date(batch.at),
    priority: batch.severity === 'critical' ? ('high' as const) : ('normal' as const),
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  };
}

/** What the server says of this message for good is a refusal; what it says of us, or does not say, may change. */
function failureOf(error: unknown, { host, port }: EmailChannelConfig): Error {
  if (!(error instanceof Error)) return sendFailed(String(error));
  const { code, permanent } = error as Error & { readonly code?: string; readonly permanent?: boolean };
  const why = `${host}:${port}: ${error.message}`;
  const isAboutMessage = code === 'EENVELOPE' || code === 'EMESSAGE';
  return permanent === true && isAboutMessage ? sendRefused(why, { cause: error }) : sendFailed(why, { cause: error });
}
