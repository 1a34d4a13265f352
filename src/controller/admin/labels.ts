import { quote } from '../../base/errors.ts'
import { checkKey, checkValue, IdentityError } from '../../identity/index.ts'
import type { SetLabelsRequest__Output } from '../../rpc/generated/blazon/v1/SetLabelsRequest.ts'
import type { SetLabelsResponse } from '../../rpc/generated/blazon/v1/SetLabelsResponse.ts'
import { needAdministrator, type Caller } from '../caller.ts'
import { ControllerError } from '../controller-error.ts'
import { restoreAttributes, type RegisteredWorkload } from '../workloads/registry.ts'
import type { AdminDeps } from './deps.ts'
import { oneWorkload } from './workloads.ts'

const mostLabels = 32

/** Sets and removes labels of one workload; it is asked to renew as what it is now. */
export async function setLabels(
  deps: AdminDeps,
  caller: Caller,
  request: SetLabelsRequest__Output,
): Promise<SetLabelsResponse> {
  const { name: author } = needAdministrator(caller, 'editor')
  checkRequest(request)
  return deps.changes.run(async () => {
    const entry = oneWorkload(deps.registry, request.workload)
    const { workloadId } = entry.stored
    const labels = new Map(deps.workloadLabels.of(workloadId))
    for (const key of request.remove) labels.delete(key)
    for (const { key, value } of request.set) labels.set(key, value)
    if (labels.size > mostLabels) {
      throw refuse(`expected at most ${String(mostLabels)} labels, got ${String(labels.size)}`)
    }
    checkFits(deps, entry, labels)
    const change = { workloadId, labels, author, now: deps.clock.now() }
    const putIntoForce = await deps.store.change((tables) =>
      deps.workloadLabels.replace(tables, change),
    )
    putIntoForce()
    deps.recheck.one(entry)
    deps.log.info(
      { workload: workloadId, labels: Object.fromEntries(labels), author },
      'labels of a workload changed',
    )
    return { labels: Array.from(labels, ([key, value]) => ({ key, value })) }
  })
}

function checkRequest({ workload, set, remove }: SetLabelsRequest__Output): void {
  if (workload === '') throw refuse('expected a workload')
  if (set.length + remove.length === 0) throw refuse('expected labels to set or to remove')
  const keys = [...set.map(({ key }) => key), ...remove]
  for (const key of keys) checkKey(`label.${key}`)
  for (const { value } of set) checkValue(value)
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  if (twice !== undefined) throw refuse(`expected each label once, got ${quote(twice)} twice`)
}

/** A profile that is too large is refused now, and not at the next renewal. */
function checkFits(
  { evaluator }: AdminDeps,
  { stored }: RegisteredWorkload,
  labels: ReadonlyMap<string, string>,
): void {
  try {
    evaluator.evaluate({
      name: stored.name,
      attested: restoreAttributes(stored.attested),
      documentForm: stored.documentForm === '' ? undefined : stored.documentForm,
      reported: restoreAttributes(stored.reported),
      labels,
    })
  } catch (error: unknown) {
    // That no rule admits it any more is another matter, and no reason to refuse a label.
    if (error instanceof IdentityError) throw error
  }
}

function refuse(message: string): ControllerError {
  return new ControllerError('ERR_ARGUMENT', message)
}
