import { startDistributed } from '@moltbot/testkit';
import { describeInstallation } from './suite.ts';

describeInstallation('distributed: gateway, two executors, RabbitMQ, Redis', startDistributed);
