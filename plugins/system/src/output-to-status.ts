import { parseCpu } from './parse-cpu.ts';
import { type Disks, parseDisks } from './parse-disks.ts';
import { parseHost, parseLoad } from './parse-host.ts';
import { parseMemory, parseSwap } from './parse-memory.ts';
import { parseProcesses } from './parse-processes.ts';
import { type Sections, toSections } from './sections.ts';
import type { Cpu, SystemStatus } from './status.ts';

export interface Asked {
  readonly top: number;
  readonly sample: number;
}

/** What the script found; undefined when it did not even begin. The same output gives the same status. */
export function outputToStatus(output: string, asked: Asked): SystemStatus | undefined {
  const sections = toSections(output);
  if (!sections.hasBegun) return undefined;
  const cpu = parseCpu(sections);
  const memory = parseMemory(sections);
  const disks = parseDisks(sections);
  const found = {
    host: parseHost(sections),
    cpu,
    load: parseLoad(sections, cpu?.count),
    memory,
    swap: parseSwap(sections),
    disks: disks.disks,
    processes: parseProcesses(sections, { top: asked.top, memoryBytes: memory?.totalBytes }),
  };
  const missing = (['load', 'memory', 'swap', 'processes'] as const)
    .filter((name) => found[name] === undefined)
    .map((name) => `${name}: the host does not tell, or not as it is asked here`);
  return {
    ...found,
    warnings: [...cpuWarnings(cpu, asked), ...missing, ...diskWarnings(disks), ...endWarnings(sections)],
  };
}

function cpuWarnings(cpu: Cpu | undefined, { sample }: Asked): readonly string[] {
  if (cpu?.usedPercent === undefined) return ['cpu: the host does not tell, or not as it is asked here'];
  return sample > 0 && cpu.sampleSeconds === 0
    ? ['cpu: no sample could be taken: percentages are since the start']
    : [];
}

function diskWarnings({ disks, leftOut, hung }: Disks): readonly string[] {
  return [
    ...(hung ? ['disks: one does not answer; remote ones may be missing'] : []),
    ...(leftOut > 0 ? [`disks: ${leftOut} more are less full than these`] : []),
    ...(disks.length === 0 && !hung ? ['disks: df is not there, or tells of none'] : []),
  ];
}

function endWarnings(sections: Sections): readonly string[] {
  const isHidden = sections.lines('processes').includes('hidden') || sections.lines('ps').includes('hidden');
  return [
    ...(isHidden ? ['processes: those of other users cannot be seen'] : []),
    ...(sections.hasEnded ? [] : ['the look at the host ended early']),
  ];
}
