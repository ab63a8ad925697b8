import { randomInt } from 'node:crypto';

// Docker's form (adjective_person) with words of our own: moods, and people who gave us computers, networks and ships.
const MOODS = [
  'agile', 'amber', 'able', 'bold', 'brave', 'bright', 'brisk', 'calm', 'candid', 'careful', 'cheerful', 'clever',
  'cosy', 'crisp', 'curious', 'daring', 'dapper', 'deft', 'eager', 'early', 'earnest', 'elegant', 'fair', 'famous',
  'fancy', 'fearless', 'fleet', 'fond', 'frank', 'free', 'fresh', 'gentle', 'glad', 'golden', 'grand', 'hardy',
  'hearty', 'honest', 'humble', 'jolly', 'just', 'keen', 'kind', 'lively', 'loyal', 'lucid', 'lucky', 'mellow',
  'merry', 'mild', 'neat', 'nimble', 'noble', 'patient', 'placid', 'plucky', 'polite', 'proud', 'quick', 'quiet',
  'ready', 'robust', 'serene', 'sharp', 'silent', 'smart', 'snug', 'sober', 'solid', 'steady', 'stout', 'sunny',
  'swift', 'tidy', 'tranquil', 'trusty', 'upbeat', 'valiant', 'vivid', 'warm', 'wise', 'witty', 'young', 'zesty',
] as const; // biome-ignore format: a word list
const PEOPLE = [
  'abbate', 'aiken', 'allen', 'andreessen', 'babbage', 'backus', 'baran', 'berners', 'bechtolsheim', 'borg', 'boole',
  'bourne', 'brooks', 'cerf', 'church', 'codd', 'conway', 'cray', 'dahl', 'davies', 'dijkstra', 'eckert', 'engelbart',
  'estrin', 'feinler', 'floyd', 'forsythe', 'gray', 'goldberg', 'hamilton', 'hamming', 'hoare', 'holberton', 'hollerith',
  'hopper', 'huffman', 'iverson', 'jennings', 'johnson', 'kahn', 'kay', 'kernighan', 'kilby', 'kleinrock', 'knuth',
  'lamarr', 'lamport', 'leibniz', 'licklider', 'liskov', 'lovelace', 'mauchly', 'mccarthy', 'mcilroy', 'meltzer',
  'metcalfe', 'milner', 'minsky', 'naur', 'neumann', 'noyce', 'nygaard', 'pascal', 'perlis', 'perlman', 'pike',
  'plankalkul', 'postel', 'ritchie', 'rivest', 'sammet', 'shannon', 'shaw', 'simon', 'sutherland', 'tarjan', 'thompson',
  'torvalds', 'turing', 'wilkes', 'wirth', 'yao', 'zuse',
] as const; // biome-ignore format: a word list

/** A name nobody has, such as `calm_lovelace`; after some misses a digit is added. */
export function generateName(isFree: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const suffix = attempt < 10 ? '' : String(randomInt(10 ** Math.min(9, attempt - 9)));
    const name = `${pick(MOODS)}_${pick(PEOPLE)}${suffix}`;
    if (isFree(name)) return name;
  }
}

function pick(list: readonly string[]): string {
  return list[randomInt(list.length)] ?? '';
}
