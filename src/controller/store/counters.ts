import type { Tables } from './store.ts'

/** Numbers that only grow, over restarts too: a sidecar refuses a version older than it has seen. */
export type Counter = 'policy-version' | 'floors-version'

/** Adds one and returns the new value; the first is 1. */
export async function nextValue(tables: Tables, name: Counter): Promise<number> {
  const row = await tables
    .insertInto('counters')
    .values({ name, value: 1 })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((eb) => ({ value: eb('counters.value', '+', 1) })),
    )
    .returning('value')
    .executeTakeFirstOrThrow()
  return row.value
}

/** The last value handed out; 0 when none was. */
export async function lastValue(tables: Tables, name: Counter): Promise<number> {
  const row = await tables
    .selectFrom('counters')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirst()
  return row?.value ?? 0
}
