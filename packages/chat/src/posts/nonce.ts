import { createHash } from 'node:crypto';

/** Names one message of a post: whoever sends it, and however often, it is one. 22 characters: Discord takes 25. */
export const nonceOf = (postId: string, part: number | string): string =>
  createHash('sha256').update(`${postId} ${part}`).digest('base64url').slice(0, 22);
