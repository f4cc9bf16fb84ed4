import { randomBytes } from 'node:crypto';

/** The bot's token, which Discord resets when it is misused. */
export interface Token {
  current(): string;
  reset(): void;
}

export function createToken(first: string): Token {
  let token = first;
  return {
    current: () => token,
    reset() {
      token = randomBytes(24).toString('base64url');
    },
  };
}
