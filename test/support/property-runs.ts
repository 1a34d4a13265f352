/** How often fast-check tries a property; a nightly run raises it with FC_RUNS. */
export function propertyRuns(usual = 100): { readonly numRuns: number } {
  return { numRuns: Number(process.env['FC_RUNS'] ?? usual) }
}
