import type { Command } from 'commander'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** Words that may follow a command: its subcommands and its options. */
interface Words {
  /** The command as typed, such as `token create`; empty for the program itself. */
  readonly path: string
  readonly commands: readonly { readonly name: string; readonly summary: string }[]
  readonly options: readonly { readonly name: string; readonly summary: string }[]
}

/** The completion script of a shell. File names complete where a script has no word to offer. */
export function completionScript(program: Command, shell: Shell): string {
  const words = collectWords(program, [])
  switch (shell) {
    case 'bash':
      return bashScript(words)
    case 'zsh':
      return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(words)}`
    case 'fish':
      return fishScript(words)
    default:
      return shell satisfies never
  }
}

function collectWords(command: Command, path: readonly string[]): Words[] {
  const commands = command.commands.map((child) => ({
    name: child.name(),
    summary: child.summary() === '' ? child.description() : child.summary(),
  }))
  const options = command.options.flatMap(({ long, description }) =>
    typeof long !== 'string' ? [] : [{ name: long, summary: description }],
  )
  return [
    {
      path: path.join(' '),
      commands,
      options: [...options, { name: '--help', summary: 'show help' }],
    },
    ...command.commands.flatMap((child) => collectWords(child, [...path, child.name()])),
  ]
}

function bashScript(words: readonly Words[]): string {
  const cases = words.map(({ path, commands, options }) => {
    const offered = [...commands, ...options].map(({ name }) => name).join(' ')
    return `    '${path}') words='${offered}' ;;`
  })
  return `# completion of blazon
_blazon() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) break ;; esac
    path="\${path:+$path }$word"
  done
  while :; do
    case $path in
${cases.map((line) => `  ${line}`).join('\n')}
      *) case $path in *' '*) path=\${path% *} ;; *) path='' ;; esac; continue ;;
    esac
    break
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _blazon blazon
`
}

function fishScript(words: readonly Words[]): string {
  const lines = words.flatMap(({ path, commands, options }) => {
    const condition = fishCondition(
      path,
      commands.map(({ name }) => name),
    )
    const start = `complete -c blazon -n ${fishQuote(condition)}`
    return [
      ...commands.map(({ name, summary }) => `${start} -f -a ${name} -d ${fishQuote(summary)}`),
      ...options.map(
        ({ name, summary }) => `${start} -l ${name.slice(2)} -d ${fishQuote(summary)}`,
      ),
    ]
  })
  return `# completion of blazon\n${lines.join('\n')}\n`
}

function fishCondition(path: string, children: readonly string[]): string {
  if (path === '') return '__fish_use_subcommand'
  const seen = path.split(' ').map((name) => `__fish_seen_subcommand_from ${name}`)
  const notYet =
    children.length === 0 ? [] : [`not __fish_seen_subcommand_from ${children.join(' ')}`]
  return [...seen, ...notYet].join('; and ')
}

function fishQuote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
