import { describe, expect, test } from 'vitest';
import { isAddressAllowed } from '../src/index.ts';

describe('at the connection', () => {
  test('a public name that leads inside is refused', () => {
    expect(isAddressAllowed('127.0.0.1', 'example.com', [])).toBe(false);
    expect(isAddressAllowed('::ffff:10.0.0.1', 'example.com', ['internal'])).toBe(false);
    expect(isAddressAllowed('fe80::1%eth0', 'example.com', [])).toBe(false);
    expect(isAddressAllowed('2606:4700::1%lo', 'example.com', [])).toBe(false);
    expect(isAddressAllowed('93.184.216.34', 'example.com', [])).toBe(true);
  });

  test('a listed name may lead anywhere, and another one to listed addresses alone', () => {
    expect(isAddressAllowed('10.0.0.1', 'Hooks.internal.', ['hooks.internal'])).toBe(true);
    expect(isAddressAllowed('10.0.0.1', 'hooks.internal.example.com', ['hooks.internal'])).toBe(false);
    expect(isAddressAllowed('10.0.0.1', 'example.com', ['10.0.0.0/31'])).toBe(true);
    expect(isAddressAllowed('10.0.0.2', 'example.com', ['10.0.0.0/31'])).toBe(false);
  });

  test('what is no address is refused', () => {
    for (const address of ['', 'example.com', '1.2.3', '::g']) {
      expect(isAddressAllowed(address, 'example.com', []), address).toBe(false);
    }
  });
});
