import type { ServerResponse } from 'node:http';
import type { Change } from '../changes.ts';
import type { Person } from '../model.ts';
import { may } from '../permissions.ts';
import type { PagePlatform, PageViews } from './page-views.ts';

interface Deps extends Pick<PagePlatform, 'world' | 'changes' | 'people'> {
  readonly views: PageViews;
}

/** Tells the browser what happens, as server-sent events, until it leaves. */
export function followEvents(user: string, response: ServerResponse, deps: Deps): void {
  const person = deps.world.person(user);
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write('retry: 500\n\n');
  const stop = deps.changes.listen((change) => {
    const event = eventOf(change, person, deps);
    if (event) response.write(`event: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`);
  });
  const beat = setInterval(() => response.write(': here\n\n'), 15_000);
  response.on('close', () => {
    clearInterval(beat);
    stop();
  });
}

interface PageEvent {
  readonly name: 'message' | 'gone' | 'places' | 'typing';
  readonly data: unknown;
}

function eventOf(change: Change, person: Person, { people, views }: Deps): PageEvent | undefined {
  if (!('message' in change)) {
    if (change.kind === 'interaction' || !may(change.channel, person.user.id, 'ViewChannel')) return undefined;
    if (change.kind !== 'typing') return { name: 'places', data: {} };
    return { name: 'typing', data: { channel: change.channel.id, user: change.userId } };
  }
  const { message } = change;
  if (change.kind === 'message-deleted') {
    return { name: 'gone', data: { id: message.api.id, channel: message.channel.id } };
  }
  return people.sees(person, message) ? { name: 'message', data: views.message(message) } : undefined;
}
