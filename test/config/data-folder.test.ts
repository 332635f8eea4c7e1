import { describe, expect, it } from 'vitest'
import { dataFolder } from '../../config/data-folder.ts'

const host = { data: '/srv/from-host-file' }
const silent = { data: undefined }

describe('dataFolder', () => {
  it('takes --data before everything else', () => {
    expect(dataFolder({ flag: '/a', env: { MAYFLY_DATA: '/b' }, host })).toBe('/a')
  })

  it('takes MAYFLY_DATA before the host file', () => {
    expect(dataFolder({ env: { MAYFLY_DATA: '/b' }, host })).toBe('/b')
  })

  it('takes an empty MAYFLY_DATA as none, and then the host file', () => {
    expect(dataFolder({ env: { MAYFLY_DATA: '' }, host })).toBe('/srv/from-host-file')
  })

  it('is /var/lib/mayfly for root', () => {
    expect(dataFolder({ env: { XDG_DATA_HOME: '/x' }, host: silent, uid: 0 })).toBe('/var/lib/mayfly')
  })

  it('is below the XDG data home for others', () => {
    expect(dataFolder({ env: { XDG_DATA_HOME: '/x' }, host: silent, uid: 1000 })).toBe('/x/mayfly')
  })

  it('is below ~/.local/share where the XDG data home is unset or relative', () => {
    const ordinary = { host: silent, uid: 1000, home: '/home/ann' }
    expect(dataFolder({ ...ordinary, env: {} })).toBe('/home/ann/.local/share/mayfly')
    expect(dataFolder({ ...ordinary, env: { XDG_DATA_HOME: 'x' } })).toBe('/home/ann/.local/share/mayfly')
  })

  it('makes a relative folder absolute', () => {
    expect(dataFolder({ flag: 'data', env: {}, host })).toBe(`${process.cwd()}/data`)
  })
})
