import protobuf from 'protobufjs/light.js';

/** One message on the long connection. */
export interface Frame {
  readonly method: 'control' | 'data';
  readonly service: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Buffer;
}

/** `pbbp2.Frame`, as the vendor's SDKs have it. */
const root = protobuf.Root.fromJSON({
  nested: {
    pbbp2: {
      nested: {
        Header: {
          fields: {
            key: { id: 1, rule: 'required', type: 'string' },
            value: { id: 2, rule: 'required', type: 'string' },
          },
        },
        Frame: {
          fields: {
            SeqID: { id: 1, rule: 'required', type: 'uint64' },
            LogID: { id: 2, rule: 'required', type: 'uint64' },
            service: { id: 3, rule: 'required', type: 'int32' },
            method: { id: 4, rule: 'required', type: 'int32' },
            headers: { id: 5, rule: 'repeated', type: 'Header' },
            payloadEncoding: { id: 6, type: 'string' },
            payloadType: { id: 7, type: 'string' },
            payload: { id: 8, type: 'bytes' },
            LogIDNew: { id: 9, type: 'string' },
          },
        },
      },
    },
  },
});
const type = root.lookupType('pbbp2.Frame');
const methods = ['control', 'data'] as const;

interface Wire {
  readonly service: number;
  readonly method: number;
  readonly headers: readonly { readonly key: string; readonly value: string }[];
  readonly payload: Uint8Array;
}

export function encodeFrame({ method, service, headers, payload }: Frame): Uint8Array {
  const wire: Wire = {
    service,
    method: methods.indexOf(method),
    headers: Object.entries(headers).map(([key, value]) => ({ key, value })),
    payload,
  };
  return type.encode(type.create({ SeqID: 1, LogID: 1, ...wire })).finish();
}

/** @throws an Error for bytes that are no frame */
export function decodeFrame(bytes: Uint8Array): Frame {
  const wire = type.toObject(type.decode(bytes), { longs: String, defaults: true, arrays: true }) as Wire;
  const headers = Object.fromEntries(wire.headers.map(({ key, value }) => [key, value]));
  const method = methods[wire.method] ?? 'control';
  return { method, service: wire.service, headers, payload: Buffer.from(wire.payload) };
}
