import type { Compilable, CompiledQuery } from 'kysely'
import { embedded, type OpenSqlite } from './sqlite.ts'
import type { Tables } from './store.ts'

/**
 * Where to run statements without kysely's detours, which take longer than what they lead to. Undefined where
 * somebody else's transaction is open, whose changes would be seen: kysely waits for its end.
 */
function sqliteFor(tables: Tables): OpenSqlite | undefined {
  const sqlite = embedded.get(tables.getExecutor().adapter)
  return sqlite?.isTransaction === tables.isTransaction ? sqlite : undefined
}

/** Stands in a query for a value that is given when it runs. */
class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(String(name)) })

/**
 * A query that is built once and then only run: for what every enrolment does, building costs more
 * than running. `build` gets a placeholder for each value that it names, and may neither look at
 * one nor depend on anything else that changes.
 */
export function statement<Values extends object, Row>(
  build: (tables: Tables, values: Values) => Compilable<Row>,
): (tables: Tables, values: Values) => Promise<Row[]> {
  // Compiled for a database, whichever transaction of it asks.
  const compiled = new WeakMap<object, CompiledQuery<Row>>()
  const compiledFor = (tables: Tables): CompiledQuery<Row> => {
    const { adapter } = tables.getExecutor()
    const known = compiled.get(adapter)
    if (known !== undefined) return known
    const query = build(tables, placeholders as Values).compile()
    compiled.set(adapter, query)
    return query
  }
  return async (tables, values) => {
    const query = compiledFor(tables)
    const parameters = query.parameters.map((one) =>
      one instanceof Placeholder ? values[one.name as keyof Values] : one,
    )
    const sqlite = sqliteFor(tables)
    if (sqlite !== undefined) {
      const prepared = sqlite.prepare(query.sql)
      if (prepared.reader) return prepared.all(parameters) as Row[]
      prepared.run(parameters)
      return []
    }
    const { rows } = await tables.executeQuery<Row>({ ...query, parameters })
    return rows
  }
}
