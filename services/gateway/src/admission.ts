import { MoltError, type Principal } from '@moltbot/shared';
import type { RateDecision } from '@moltbot/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App, GatewayContext } from './context.ts';

/** Every route of this scope asks for an API key, then takes from the rate of its principal. */
export function requireAdmission(scope: App, { intake }: GatewayContext): void {
  scope.decorateRequest('principal');
  scope.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const principal = await intake.authenticate(request.headers.authorization);
    request.setDecorator('principal', principal);
    const decision = await intake.admit(principal);
    tellRate(reply, decision);
    if (!decision.allowed)
      throw new MoltError('MOLT_RATE_LIMITED', 'the key has used up its rate', {
        details: { retryAfterMs: decision.retryAfterMs },
      });
  });
}

/** Who the request is made for; only in scopes of `requireAdmission`. */
export const principalOf = (request: FastifyRequest): Principal => request.getDecorator<Principal>('principal');

/** The headers of draft-ietf-httpapi-ratelimit-headers: whole seconds, rounded up. */
function tellRate(reply: FastifyReply, { remaining, resetMs }: RateDecision): void {
  reply.header('ratelimit-remaining', Math.max(0, Math.floor(remaining)));
  reply.header('ratelimit-reset', Math.ceil(resetMs / 1_000));
}
