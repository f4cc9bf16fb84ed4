import { startTestLark } from './platforms.ts';
import { describeChat } from './suite.ts';

describeChat('Lark', startTestLark);
