import { guardSuite } from './guard-suite.ts';

guardSuite('dash', 'exec dash -s');
guardSuite('busybox sh', 'exec busybox sh -s');
