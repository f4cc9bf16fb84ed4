import { z } from 'zod';
import { principalOf } from '../admission.ts';
import type { App, GatewayContext } from '../context.ts';
import { placedIn } from '../placed-in.ts';
import { problemResponses } from '../problem.ts';
import { isoTime, time } from '../time.ts';

const tags = ['chat'];

const NewCode = z.strictObject({
  name: z.string().min(1).max(64).describe('Whom it makes of the one who sends it to the bot: a name of a person.'),
});
const Code = z.object({
  code: z.string().describe('For one platform user, once, for 15 minutes.'),
  send: z.string().describe('What they send to the bot, in a direct message.'),
  expiresAt: time,
});
const Listing = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(600).optional().describe('From the page before.'),
});
const Person = z.object({
  id: z.string().describe('`<platform>:<bot>:<id of the user there>`.'),
  name: z.string().describe('As the platform shows it.'),
  linked: z.string().optional().describe('Whom they act as.'),
  language: z.string().optional(),
});

/** Who the users of chat platforms are. */
export function chatRoutes(app: App, context: GatewayContext): void {
  makeCode(app, context);
  listPeople(app, context);
  forgetPerson(app, context);
}

function makeCode(app: App, { chat }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'makeChatCode',
    summary: 'Make a code that links a chat account',
    description: 'Whoever sends it to the bot acts as the person of that name from then on.',
    body: NewCode,
    response: { 201: Code.describe('The code. It is shown once.'), ...problemResponses },
  };
  app.post('/chat/codes', { schema }, async (request, reply) => {
    const { code, expiresAt } = await placedIn('/body', () => chat.makeCode(principalOf(request), request.body.name));
    return reply.code(201).send({ code, send: `link ${code}`, expiresAt: isoTime(expiresAt) });
  });
}

function listPeople(app: App, { chat }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'listChatPeople',
    summary: 'List the users of chats who are known',
    description: 'In order of id: those who have linked themselves, or chosen a language.',
    querystring: Listing,
    response: {
      200: z.object({ people: z.array(Person), cursor: z.string().optional() }).describe('A page of people.'),
      ...problemResponses,
    },
  };
  app.get('/chat/people', { schema }, async (request) => {
    const { people, cursor } = await chat.listPeople(principalOf(request), request.query);
    return { people: [...people], cursor };
  });
}

function forgetPerson(app: App, { chat }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'forgetChatPerson',
    summary: 'Forget a user of a chat',
    description: 'They have to link themselves again.',
    params: z.strictObject({ id: z.string().min(1).max(300) }),
    response: { 200: z.object({ id: z.string() }).describe('Forgotten.'), ...problemResponses },
  };
  app.delete('/chat/people/:id', { schema }, async (request) => {
    await chat.forget(principalOf(request), request.params.id);
    return { id: request.params.id };
  });
}
