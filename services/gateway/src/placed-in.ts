import { isMoltError, MoltError } from '@moltbot/shared';

/** Runs `work`; what it refuses names places in the request it was given, and here they become places in the HTTP request. */
export async function placedIn<T>(part: '/body' | '/query', work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isMoltError(error) || error.places.length === 0) throw error;
    const { code, message, cause, details, remedy } = error;
    const places = error.places.map((place) => ({ ...place, path: `${part}${place.path}` }));
    throw new MoltError(code, message, { cause, details, remedy, places });
  }
}
