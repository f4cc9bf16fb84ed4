import { startTestDiscord } from './platforms.ts';
import { describeChat } from './suite.ts';

describeChat('Discord', () => startTestDiscord({ isPatient: true }));
