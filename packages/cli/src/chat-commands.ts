import { query, type RemoteCommand } from './remote-command.ts';

/** What operators do about the users of chat platforms. */
export const chatCommands: readonly RemoteCommand[] = [
  {
    ...{
      name: 'chat code',
      usage: 'NAME',
      summary: 'make a code by which somebody in a chat shows that they are NAME',
    },
    words: ['name'],
    toCall: ({ name }) => ({ method: 'POST', path: '/v1/chat/codes', body: { name } }),
  },
  {
    ...{
      name: 'chat people',
      usage: '[--limit N] [--cursor CURSOR]',
      summary: 'list the users of chats who are known',
    },
    options: { limit: { type: 'string' }, cursor: { type: 'string' } },
    toCall: ({ limit, cursor }) => ({ method: 'GET', path: `/v1/chat/people${query({ limit, cursor })}` }),
  },
  {
    ...{ name: 'chat forget', usage: 'PERSON', summary: 'forget a user of a chat: they have to link themselves again' },
    words: ['person'],
    toCall: ({ person }) => ({ method: 'DELETE', path: `/v1/chat/people/${encodeURIComponent(String(person))}` }),
  },
];
