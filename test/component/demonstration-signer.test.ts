import { expect } from 'chai'
import {
  loadIidKeys,
  mergeIidKeys,
  parseIidKeys,
  readBlob,
  verifyIid,
  type IidKeys,
  type IidVerdict,
} from '../../src/attest/iid/index.ts'
import { createDemonstrationSigner } from '../../src/demo/demonstration-signer.ts'
import { demoAccount, instances, regionOf, regions } from '../../src/demo/instances.ts'

describe('the demonstration key', () => {
  const launched = new Date('2026-11-22T08:00:00.250Z')
  const signer = createDemonstrationSigner(launched)

  async function verdictUnder(keys: IidKeys): Promise<IidVerdict[]> {
    const by = await signer
    return Object.values(instances).map((instance) => {
      const blob = readBlob(Buffer.from(by.sign(instance).rsa2048))
      if (blob === undefined) throw new Error('expected base64')
      return verifyIid({ form: 'rsa2048', blob }, keys)
    })
  }

  it('signs documents that hold where its key file is', async () => {
    const { keyFile } = await signer
    const own = parseIidKeys(Buffer.from(keyFile), 'demonstration')
    const keys = mergeIidKeys(await loadIidKeys(), own, 'demonstration')
    const seen = (await verdictUnder(keys)).map((verdict) =>
      verdict.ok
        ? [verdict.document.accountId, verdict.region, verdict.document.pendingTime]
        : verdict,
    )
    expect(seen).to.deep.equal(
      Object.values(instances).map((one) => [demoAccount, regionOf(one), '2026-11-22T08:00:00Z']),
    )
  })

  it('is nothing to anybody else', async () => {
    const codes = (await verdictUnder(await loadIidKeys())).map((verdict) =>
      verdict.ok ? 'accepted' : verdict.code,
    )
    expect(new Set(codes)).to.deep.equal(new Set(['wrong-signer']))
  })

  it('is one for each region, so that no region speaks for another', async () => {
    const keys = parseIidKeys(Buffer.from((await signer).keyFile), 'demonstration')
    const hashes = regions.map((region) => keys.find(region, 'rsa2048')?.keySha256)
    expect(new Set(hashes).size).to.equal(regions.length)
  })
})
