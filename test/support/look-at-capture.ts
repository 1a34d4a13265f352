import { readCaptureStrength } from '../../src/sidecar/capture-strength.ts'

// Says how strong the capture of this network namespace is. Argument: uid of the workload.
const ports = { egressPort: 15_001, ingressPort: 15_006, dnsPort: 15_053 }
const workloadUid = Number(process.argv[2])
const strength = await readCaptureStrength({ kind: 'redirect', ...ports, workloadUid })
process.stdout.write(`${JSON.stringify(strength)}\n`)
