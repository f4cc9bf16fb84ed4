import { guardSuite } from './guard-suite.ts';

guardSuite('bash', 'exec bash --norc -s');
guardSuite('ksh93', 'exec ksh93 -s');
guardSuite('mksh', 'exec mksh -s');
