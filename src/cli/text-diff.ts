/** How one text differs from another, line by line. */
type Edit = readonly [mark: ' ' | '-' | '+', line: string]

const contextLines = 3

/**
 * A unified diff, as `diff -u` writes it; empty where the texts are the same. For texts of some
 * thousand lines: it takes the product of both lengths of what is not common to their ends.
 */
export function unifiedDiff(
  before: { readonly name: string; readonly text: string },
  after: { readonly name: string; readonly text: string },
): string[] {
  const edits = editsBetween(linesOf(before.text), linesOf(after.text))
  if (edits.every(([mark]) => mark === ' ')) return []
  return [`--- ${before.name}`, `+++ ${after.name}`, ...hunksOf(edits)]
}

function linesOf(text: string): string[] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function editsBetween(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  const most = Math.min(before.length, after.length) - start
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end++
  const kept = (lines: readonly string[]): Edit[] => lines.map((line) => [' ', line])
  return [
    ...kept(before.slice(0, start)),
    ...longestCommon(
      before.slice(start, before.length - end),
      after.slice(start, after.length - end),
    ),
    ...kept(before.slice(before.length - end)),
  ]
}

/** By the longest common subsequence: what was taken away stands before what came in its place. */
function longestCommon(before: readonly string[], after: readonly string[]): Edit[] {
  const width = after.length + 1
  const lengths = new Uint32Array((before.length + 1) * width)
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const edits: Edit[] = []
  let i = 0
  let j = 0
  while (i < before.length || j < after.length) {
    const [left, right] = [before[i], after[j]]
    if (left !== undefined && left === right) {
      edits.push([' ', left])
      i++
      j++
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      edits.push(['-', left])
      i++
    } else if (right !== undefined) {
      edits.push(['+', right])
      j++
    }
  }
  return edits
}

function hunksOf(edits: readonly Edit[]): string[] {
  const isNear = edits.map((_edit, index) =>
    edits
      .slice(Math.max(0, index - contextLines), index + contextLines + 1)
      .some(([mark]) => mark !== ' '),
  )
  const lines: string[] = []
  let beforeLine = 1
  let afterLine = 1
  for (let index = 0; index < edits.length; index++) {
    if (isNear[index] === true && isNear[index - 1] !== true) {
      const hunk = edits.slice(index, endOfHunk(isNear, index))
      lines.push(`@@ -${rangeOf(hunk, beforeLine, '+')} +${rangeOf(hunk, afterLine, '-')} @@`)
      lines.push(...hunk.map(([mark, line]) => `${mark}${line}`))
    }
    const mark = edits[index]?.[0]
    if (mark !== '+') beforeLine++
    if (mark !== '-') afterLine++
  }
  return lines
}

function endOfHunk(isNear: readonly boolean[], start: number): number {
  const end = isNear.indexOf(false, start)
  return end === -1 ? isNear.length : end
}

/** Where a hunk stands on one side: an empty range names the line before it. */
function rangeOf(hunk: readonly Edit[], line: number, otherSide: '+' | '-'): string {
  const count = hunk.filter(([mark]) => mark !== otherSide).length
  if (count === 1) return String(line)
  return `${String(count === 0 ? line - 1 : line)},${String(count)}`
}
