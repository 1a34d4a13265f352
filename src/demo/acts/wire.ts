import type { ServerName } from '../cast.ts'
import { demand } from '../report.ts'
import { tapOf, type Act } from '../world.ts'

const inClearInside: readonly ServerName[] = ['orders-db', 'cache', 'web']

/**
 * What was recorded between the sidecars, against what the programs saw. The programs talk in
 * clear, so a marker that is in their recording and not in the other was hidden by the tunnel.
 */
export const wire: Act = async (world, report) => {
  report.heading('On the wire: what someone between the sidecars has recorded')
  for (const server of inClearInside) {
    await report.check(`nothing readable between the sidecars of ${server}`, async () => {
      const { marker } = world
      const inside = await tapOf(world.inside, server).recorded(marker)
      demand(inside.carried, `the program did not see the marker ${marker}`)
      const outside = await tapOf(world.wire, server).recorded(marker)
      demand(outside.bytes > 0, 'the recording is empty')
      demand(!outside.overflowed, 'more was sent than is kept')
      demand(!outside.carried, `the marker ${marker} is in the recording`)
      return `${String(outside.bytes)} bytes without the marker; ${String(inside.bytes)} with it inside`
    })
  }
}
