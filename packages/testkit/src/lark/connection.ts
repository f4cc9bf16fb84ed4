import type { WebSocket } from 'ws';
import { parsedFields } from './fields.ts';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';
import { newEventId } from './ids.ts';
import type { App } from './model.ts';

/** What became of one attempt to hand an event over. */
export type Handover =
  /** With what the handler returned, if anything. */
  | { readonly kind: 'acknowledged'; readonly answer: unknown }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unreachable' };

/** The close code of a client that sends what is no frame. */
const invalidFrame = 1007;

/** One client's long connection. */
export interface Connection {
  readonly id: string;
  readonly app: App;
  /** In one frame, or in pieces of so many bytes. */
  push(event: string, options: { readonly frameBytes: number; readonly withinMs: number }): Promise<Handover>;
  /** From now on it stays open, and nothing comes or goes: the network has forgotten it. */
  strand(): void;
  /** What the client sends waits until it is set free. */
  setHeld(held: boolean): void;
  cut(): void;
}

export interface ConnectionDeps {
  readonly id: string;
  readonly app: App;
  readonly serviceId: number;
  /** What a ping is answered with; nothing, when pings are to be ignored. */
  pong(): object | undefined;
  pinged(): void;
  closed(connection: Connection): void;
}

/** https://open.feishu.cn/document/ukTMukTMukTM/uYDNxYjL2QTM24iN0EjN/event-subscription-configure-/request-url-configuration-case#d286cc88 */
export function serveConnection(socket: WebSocket, deps: ConnectionDeps): Connection {
  const pending = new Map<string, (handover: Handover) => void>();
  let stranded = false;
  const send = (frame: Frame): void => {
    if (!stranded) socket.send(encodeFrame(frame));
  };
  const receive = ({ method, service, headers, payload }: Frame): void => {
    if (method === 'control' && headers['type'] === 'ping') {
      deps.pinged();
      const config = deps.pong();
      if (!config) return;
      send({ method, service, headers: { type: 'pong' }, payload: Buffer.from(JSON.stringify(config)) });
    }
    if (method === 'data') pending.get(headers['message_id'] ?? '')?.(handoverOf(payload));
  };
  socket.on('message', (data: Buffer) => {
    if (stranded) return;
    try {
      receive(decodeFrame(data));
    } catch {
      socket.close(invalidFrame);
    }
  });
  socket.on('error', () => {});
  const connection: Connection = {
    id: deps.id,
    app: deps.app,
    push(event, { frameBytes, withinMs }) {
      const messageId = newEventId();
      const pieces = cutUp(Buffer.from(event), frameBytes);
      const { promise, resolve } = Promise.withResolvers<Handover>();
      const timer = setTimeout(() => resolve({ kind: 'timeout' }), withinMs);
      pending.set(messageId, resolve);
      for (const [seq, payload] of pieces.entries()) {
        const place = { sum: String(pieces.length), seq: String(seq) };
        const headers = { type: 'event', message_id: messageId, ...place, trace_id: newEventId() };
        send({ method: 'data', service: deps.serviceId, headers, payload });
      }
      return promise.finally(() => {
        clearTimeout(timer);
        pending.delete(messageId);
      });
    },
    strand() {
      stranded = true;
    },
    setHeld(held) {
      if (held) socket.pause();
      else socket.resume();
    },
    cut: () => socket.terminate(),
  };
  socket.on('close', () => {
    for (const resolve of pending.values()) resolve({ kind: 'unreachable' });
    deps.closed(connection);
  });
  return connection;
}

/** `{"code":200,"data":"<base64 of the JSON of what the handler returned>"}` */
function handoverOf(payload: Buffer): Handover {
  const { code, data } = parsedFields(payload.toString()) ?? {};
  if (code !== 200) return { kind: 'refused', status: Number(code) };
  if (typeof data !== 'string') return { kind: 'acknowledged', answer: undefined };
  return { kind: 'acknowledged', answer: JSON.parse(Buffer.from(data, 'base64').toString()) };
}

function cutUp(bytes: Buffer, size: number): readonly Buffer[] {
  const count = Math.max(1, Math.ceil(bytes.length / size));
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}
