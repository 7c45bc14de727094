import { describe, expect, it } from 'vitest';
import { whatIsWrong } from '../../../runtime/config/issue.ts';
import { brokers, groupName } from './settings.ts';

describe('brokers', () => {
  it.each<[unknown, readonly string[]]>([
    ['a:1', ['a:1']],
    ['a_b.c-d:65535, [2001:db8::1]:9092', ['a_b.c-d:65535', '[2001:db8::1]:9092']],
    [
      ['10.0.0.7:9092', ' b:1 '],
      ['10.0.0.7:9092', 'b:1'],
    ],
    [[], []],
  ])('%j', (given, list) => {
    expect(brokers.parse(given)).toEqual(list);
  });

  it.each<[unknown, string]>([
    ['a:70000', ': port 70000 is not from 1 to 65535'],
    ['a:1,b:0', ': port 0 is not from 1 to 65535'],
    ['a:000001', ': port 000001 is not from 1 to 65535'],
    ['a', ': no port in a'],
    ['a:', ': no port in a:'],
    ['[::1]', ': no port in [::1]'],
    ['a:b', ': port "b" is no number'],
    ['a:1/x', ': port "1/x" is no number'],
    [':1', ': no host in :1'],
    ['höst:9092', ': "höst" is no name or address of a host'],
    ['-x:1', ': "-x" is no name or address of a host'],
    ['a b:1', ': "a b" is no name or address of a host'],
    ['::1:9092', ': an IPv6 address goes in brackets: [::1]:9092'],
    ['2001:db8::7', ': an IPv6 address goes in brackets: [2001:db8::7]:port'],
    ['a:1,,b:2', ': a broker is missing before or after a comma'],
    ['a:1,', ': a broker is missing before or after a comma'],
    ['kafka://a:1', ': leave kafka:// out'],
    ['SASL_SSL://a:1', ': leave SASL_SSL:// out'],
    ['a:1,http://b:2', ': leave http:// out'],
    ['', ' is empty'],
    [['a:1', 17], 'must be a list of host:port, or text with commas'],
    [17, 'must be a list of host:port, or text with commas'],
    [Array.from({ length: 101 }, () => 'a:1'), ' must be at most 100 brokers'],
  ])('what is wrong is told: %j', (given, fault) => {
    expect(whatIsWrong(brokers.safeParse(given).error?.issues[0])).toBe(fault);
  });
});

it.each([
  ['x'.repeat(249), undefined],
  ['x'.repeat(250), 'must have at most 249 characters'],
  ['a b', 'must have letters, digits, dots, _ and - only'],
  ['', 'must have letters, digits, dots, _ and - only'],
])('the name of a group: %s', (name, fault) => {
  const { error } = groupName.safeParse(name);
  expect(error && whatIsWrong(error.issues[0])).toBe(fault);
});
