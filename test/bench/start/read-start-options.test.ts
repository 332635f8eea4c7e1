import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { readStartOptions } from './read-start-options.ts'

describe('the flags of bench:start', () => {
  it('ask for ten rounds of everything, with the peers in three, where nothing is said', () => {
    expect(readStartOptions([])).toEqual({
      runs: 10,
      peerRuns: 3,
      only: ['cold', 'template', 'pool', 'checkpoint', 'packer', 'autopkgtest'],
      atOnce: [1, 2, 8],
      json: undefined,
      markdown: undefined,
      svg: undefined,
    })
  })

  it('never ask for more rounds of the peers than there are, unless somebody says so', () => {
    expect(readStartOptions(['--runs', '2']).peerRuns).toBe(2)
    expect(readStartOptions(['--runs', '2', '--peers', '5']).peerRuns).toBe(5)
    expect(readStartOptions(['--peers', '0']).peerRuns).toBe(0)
  })

  it('choose a part, in its usual order', () => {
    const { only, atOnce } = readStartOptions(['--only', 'template, cold', '--at-once=8,1'])
    expect(only).toEqual(['cold', 'template'])
    expect(atOnce).toEqual([1, 8])
  })

  it('leave the peers out where they would get no turn', () => {
    const ours = ['cold', 'template', 'pool', 'checkpoint']
    expect(readStartOptions(['--at-once', '2,8']).only).toEqual(ours)
    expect(readStartOptions(['--peers', '0']).only).toEqual(ours)
  })

  it('name the files that are written', () => {
    const files = ['--json', 'a', '--markdown', 'b', '--svg', 'c']
    expect(readStartOptions(files)).toMatchObject({ json: 'a', markdown: 'b', svg: 'c' })
  })

  it.each([
    [['--runs', '0'], 'expected --runs with a whole number from 1 to 9999, got 0'],
    [['--runs', '1e2'], 'expected --runs with a whole number from 1 to 9999, got 1e2'],
    [['--peers', '-1'], "Option '--peers' argument is ambiguous"],
    [['--peers=-1'], 'expected --peers with a whole number from 0 to 9999, got -1'],
    [
      ['--only', 'cold,warm'],
      'expected --only with some of cold,template,pool,checkpoint,packer,autopkgtest, got "warm"',
    ],
    [['--only', ''], 'got ""'],
    [['--at-once', '3'], 'expected --at-once with some of 1,2,8, got "3"'],
    [['--often'], /Unknown option '--often'.*expected --runs, --peers, .*--svg, each with a value/],
    [['more'], "Unexpected argument 'more'"],
  ])('%j are refused with what was expected', (args, message) => {
    const read = () => readStartOptions(args)
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(message)
  })
})
