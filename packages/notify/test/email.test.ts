import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { NotificationBatch } from '@moltbot/plugin-sdk';
import { type EmailChannelConfig, Secret, silentLogger } from '@moltbot/shared';
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { openEmail } from '../src/channels/email.ts';
import { notificationOf } from './lab.ts';

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  readonly secure: boolean;
  readonly user: unknown;
}

let key = '';
let cert = '';
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'moltbot-smtp-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', certFile],
  ]);
  [key, cert] = await Promise.all([readFile(keyFile, 'utf8'), readFile(certFile, 'utf8')]);
  await rm(folder, { recursive: true });
});

/** A mail server that keeps what it takes. */
async function startSmtp(options: SMTPServerOptions = {}) {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    ...{ key, cert, authOptional: true, logger: false, disableReverseLookup: true },
    onAuth: ({ username, password }, _session, done) =>
      username === 'moltbot' && password === 'hunter22'
        ? done(null, { user: username })
        : done(Object.assign(new Error('wrong'), { responseCode: 535 })),
    onData(stream, session: SMTPServerSession, done) {
      const { mailFrom, rcptTo } = session.envelope;
      void text(stream).then((raw) => {
        const from = mailFrom === false ? '' : mailFrom.address;
        mails.push({ from, to: rcptTo.map(({ address }) => address), raw, secure: session.secure, user: session.user });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { mails, port: (server.server.address() as AddressInfo).port };
}

const configOf = (port: number, more: Partial<EmailChannelConfig> = {}): EmailChannelConfig => ({
  ...{ kind: 'email', tenant: 'default', host: '127.0.0.1', port, security: 'starttls', ca: cert },
  ...{ from: 'Moltbot <moltbot@example.com>', to: ['ops@example.com', 'Lead <lead@example.com>'] },
  ...more,
});

const batchOf = (more: Partial<NotificationBatch> = {}): NotificationBatch => ({
  ...{ id: '019ab0e6-1', tenant: 'default', channel: 'mail', at: 1_790_000_000_000, kind: 'now', severity: 'critical' },
  items: [
    {
      notification: notificationOf({
        ...{ severity: 'critical', title: 'Disk <full> & "hot"', text: 'line one\nline <two>', at: 1_790_000_000_000 },
        fields: [{ name: 'used', value: '91 %' }],
        links: [
          { title: 'Task', url: 'https://x.test/t?a=1&b=2' },
          { title: 'odd', url: 'javascript:alert(1)' },
        ],
      }),
      repeats: 3,
    },
  ],
  ...more,
});

const send = async (config: EmailChannelConfig, batch = batchOf(), signal = new AbortController().signal) => {
  const channel = openEmail(config);
  onTestFinished(() => channel.close());
  await channel.send(batch, { signal, log: silentLogger });
};

/** What is encoded (RFC 2047) because it is not plain. */
const subjectOf = (raw: string): string =>
  (/^Subject: ((?:.|\r\n )*)/m.exec(raw)?.[1] ?? '')
    .replaceAll(/\r\n /g, ' ')
    .replaceAll(/\?= =\?UTF-8\?Q\?/g, '')
    .replace(/=\?UTF-8\?Q\?(.*)\?=/, (_all, text: string) =>
      text
        .replaceAll('_', ' ')
        .replaceAll(/=([0-9A-F]{2})/g, (_code, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    );

/** The parts of a mail, without the soft line breaks of quoted-printable. */
const unfolded = (raw: string): string => raw.replaceAll('=\r\n', '').replaceAll('=3D', '=').replaceAll('\r\n', '\n');

test('over STARTTLS, logged in: plain text and HTML, and an id that is that of the message', async () => {
  const { mails, port } = await startSmtp();
  await send(configOf(port, { user: 'moltbot', password: new Secret('hunter22') }));
  expect(mails).toMatchObject([
    {
      ...{ from: 'moltbot@example.com', to: ['ops@example.com', 'lead@example.com'], secure: true, user: 'moltbot' },
    },
  ]);
  const raw = unfolded(mails[0]?.raw ?? '');
  expect(raw).toContain('Message-ID: <019ab0e6-1@example.com>');
  expect(subjectOf(mails[0]?.raw ?? '')).toBe('[CRITICAL] Disk <full> & "hot"');
  expect(raw).toContain('From: Moltbot <moltbot@example.com>');
  expect(raw).toContain(`Date: ${new Date(1_790_000_000_000).toUTCString().replace('GMT', '+0000')}`);
  expect(raw).toContain('Auto-Submitted: auto-generated');
  expect(raw).toContain('Importance: High');
  expect(raw).toContain('multipart/alternative');
  const [, plain = '', html = ''] = raw.split(/Content-Type: text\/(?:plain|html)/);
  expect(plain).toContain('CRITICAL: Disk <full> & "hot"\n2026-09-21T14:13:20.000Z\nThe same came 3 times more.');
  expect(plain).toContain('line one\nline <two>\n\nused: 91 %\n\nTask: https://x.test/t?a=1&b=2');
  expect(html).toContain('Disk &lt;full&gt; &amp; &quot;hot&quot;');
  expect(html).toContain('<a href="https://x.test/t?a=1&amp;b=2">Task</a>');
  expect(html).not.toContain('<a href="javascript');
});

test('over TLS from the first byte, and without encryption where that is asked for', async () => {
  const tls = await startSmtp({ secure: true });
  await send(configOf(tls.port, { security: 'tls' }));
  expect(tls.mails).toMatchObject([{ secure: true }]);
  const plain = await startSmtp({ hideSTARTTLS: true });
  await send(configOf(plain.port, { security: 'none' }));
  expect(plain.mails).toMatchObject([{ secure: false }]);
});

test('starttls never goes on without encryption, nor with a certificate that nobody vouches for', async () => {
  const plain = await startSmtp({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] });
  await expect(send(configOf(plain.port))).rejects.toMatchObject({ code: 'MOLT_NOTIFY_FAILED' });
  const stranger = await startSmtp();
  await expect(send(configOf(stranger.port, { ca: undefined }))).rejects.toMatchObject({
    ...{ code: 'MOLT_NOTIFY_FAILED', message: expect.stringMatching(/^127\.0\.0\.1:\d+: .*certificate/) },
  });
  expect([plain.mails, stranger.mails]).toEqual([[], []]);
});

test('a title cannot add a header', async () => {
  const { mails, port } = await startSmtp();
  const [item] = batchOf().items;
  if (!item) throw new Error('no item');
  const notification = { ...item.notification, title: 'x\r\nBcc: all@example.com\r\n\r\nbody' };
  await send(configOf(port), batchOf({ items: [{ ...item, notification }] }));
  expect(mails[0]?.to).toEqual(['ops@example.com', 'lead@example.com']);
  const head = mails[0]?.raw.split('\r\n\r\n')[0] ?? '';
  expect(head.split('\r\n').filter((line) => /^bcc/i.test(line))).toEqual([]);
  expect(head).toContain('Bcc: all@example.com body');
});

test('several are told in one mail, with the gravest in its subject', async () => {
  const { mails, port } = await startSmtp();
  const item = (title: string, severity: 'info' | 'error') => ({
    notification: notificationOf({ title, severity }),
    repeats: 0,
  });
  const items = [item('small', 'info'), item('big', 'error'), item('other', 'info')];
  await send(configOf(port), batchOf({ kind: 'digest', severity: 'error', items }));
  const raw = unfolded(mails[0]?.raw ?? '');
  expect(subjectOf(mails[0]?.raw ?? '')).toBe('[ERROR] While it was quiet: big and 2 more');
  expect(raw).toMatch(/INFO: small[\s\S]*----[\s\S]*ERROR: big[\s\S]*----[\s\S]*INFO: other/);
});

const rejecting = (responseCode: number, only?: string): SMTPServerOptions => ({
  onRcptTo: ({ address }, _session, done) =>
    only === undefined || address === only ? done(Object.assign(new Error('no'), { responseCode })) : done(),
});

test.each([
  ['recipients that are refused for good', rejecting(550), {}, 'MOLT_NOTIFY_REFUSED'],
  ['recipients that are refused for now', rejecting(450), {}, 'MOLT_NOTIFY_FAILED'],
  ['a wrong password', {}, { user: 'moltbot', password: new Secret('wrong') }, 'MOLT_NOTIFY_FAILED'],
] as const)('%s', async (_what, options, more, code) => {
  const { mails, port } = await startSmtp(options);
  const failure = await send(configOf(port, more)).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code });
  expect(String(failure)).not.toContain('wrong password');
  expect(mails).toEqual([]);
});

test('when some of the recipients are refused, the others are not told twice', async () => {
  const { mails, port } = await startSmtp(rejecting(550, 'lead@example.com'));
  await send(configOf(port));
  expect(mails.map(({ to }) => to)).toEqual([['ops@example.com']]);
});

test('a server that is not there, or says nothing, is tried again; an abort ends the wait at once', async () => {
  await expect(send(configOf(1))).rejects.toMatchObject({ code: 'MOLT_NOTIFY_FAILED' });
  const { port } = await startSmtp({ onConnect: () => {} });
  const end = new AbortController();
  const sending = send(configOf(port), batchOf(), end.signal);
  const reason = new Error('the term is over');
  setTimeout(() => end.abort(reason), 50);
  const before = performance.now();
  await expect(sending).rejects.toBe(reason);
  expect(performance.now() - before).toBeLessThan(5_000);
});

test('certificates that cannot be read are a mistake at the start', () => {
  expect(() => openEmail(configOf(25, { ca: 'no PEM' }))).toThrow();
});
