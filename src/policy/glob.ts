/**
 * Whether a text fits a pattern in which `*` stands for any characters, also none. Only the last star
 * is ever tried again, so a hostile pair costs at most the product of both lengths.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0
  let index = 0
  let star = -1
  let resume = 0
  while (index < text.length) {
    if (pattern[at] === '*') {
      star = at++
      resume = index
    } else if (pattern[at] === text[index]) {
      at++
      index++
    } else if (star !== -1) {
      at = star + 1
      index = ++resume
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
