export { type AllowedHosts, guardOf, isAddressAllowed, whyNotCallable } from './address.ts';
export type { AddressGuard } from './guarded-lookup.ts';
export { guardLookup } from './guarded-lookup.ts';
export { type Answer, createPoster, type Post, type Poster, type PosterOptions } from './post.ts';
export { type PostVerdict, postSigned, type SignedPost } from './post-signed.ts';
export { retryAfterToMs } from './retry-after.ts';
