type ImageType = 'png' | 'jpg' | 'gif' | 'webp';

const signatures: readonly { readonly type: ImageType; readonly at: number; readonly bytes: Buffer }[] = [
  { type: 'png', at: 0, bytes: Buffer.from('89504e470d0a1a0a', 'hex') },
  { type: 'jpg', at: 0, bytes: Buffer.from('ffd8ff', 'hex') },
  { type: 'gif', at: 0, bytes: Buffer.from('GIF8') },
  { type: 'webp', at: 8, bytes: Buffer.from('WEBP') },
];

/** What chats show as an image, by its first bytes; undefined for anything else. */
export const imageTypeOf = (bytes: Buffer): ImageType | undefined =>
  signatures.find(({ at, bytes: signature }) => bytes.subarray(at, at + signature.length).equals(signature))?.type;
