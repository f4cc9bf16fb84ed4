import { startRabbitmq, type TestRabbitmq } from '@moltbot/testkit';
import { afterAll, beforeAll } from 'vitest';
import { openAmqpLab } from './amqp-lab.ts';
import { busConformance } from './conformance.ts';
import { broadcastsConformance } from './conformance-broadcasts.ts';
import { deadConformance } from './conformance-dead.ts';

let rabbitmq: TestRabbitmq;

beforeAll(async () => {
  rabbitmq = await startRabbitmq();
});
afterAll(() => rabbitmq?.stop());

busConformance('RabbitMQ', () => openAmqpLab(rabbitmq));
deadConformance('RabbitMQ', () => openAmqpLab(rabbitmq));
broadcastsConformance('RabbitMQ', () => openAmqpLab(rabbitmq));
