import { startEmbedded } from '@moltbot/testkit';
import { describeInstallation } from './suite.ts';

describeInstallation('embedded: one process', startEmbedded);
