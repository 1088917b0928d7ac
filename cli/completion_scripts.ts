// What a shell runs when the key is pressed. The words that were typed are handed over as arguments:
// nothing of them, and nothing that comes back, is ever evaluated.

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

const BASH = String.raw`# bash completion of sallyport: source <(sallyport completion bash)
_sallyport() {
  local line cur="${"$"}{COMP_WORDS[COMP_CWORD]}" files=0
  [[ $cur == "=" ]] && cur=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) files=1 ;;
      :open) compopt -o nospace 2>/dev/null ;;
      *) COMPREPLY+=("${"$"}{line%%$'\t'*}") ;;
    esac
  done < <(sallyport complete -- "${"$"}{COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  ((files)) || return 0
  compopt -o filenames 2>/dev/null
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
}
complete -F _sallyport sallyport`;

const ZSH = String.raw`#compdef sallyport
# zsh completion of sallyport: source <(sallyport completion zsh), or a file _sallyport in $fpath
_sallyport() {
  local line files=0 open=0
  local -a values open_values
  while IFS= read -r line; do
    case $line in
      :files) files=1 ;;
      :open) open=1 ;;
      *$'\t'*) values+=("${"$"}{${"$"}{line%%$'\t'*}//:/\\:}:${"$"}{line#*$'\t'}"); open_values+=("${"$"}{line%%$'\t'*}") ;;
      *) values+=("${"$"}{line//:/\\:}"); open_values+=("$line") ;;
    esac
  done < <(sallyport complete -- "${"$"}{(@)words[2,CURRENT]}" 2>/dev/null)
  if ((open)); then
    compadd -S '' -- "${"$"}{open_values[@]}"
  elif (($#values)); then
    _describe -t values sallyport values
  fi
  ((files)) && _files
}
if [ "${"$"}{funcstack[1]}" = _sallyport ]; then _sallyport "$@"; else compdef _sallyport sallyport; fi`;

const FISH = String.raw`# fish completion of sallyport: sallyport completion fish | source
function __sallyport_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    for line in (sallyport complete -- $words "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :open
            case '*'
                printf '%s\n' $line
        end
    end
end
complete -c sallyport -f -a '(__sallyport_complete)'`;

export function completionScript(shell: Shell): string {
  switch (shell) {
    case "bash":
      return BASH;
    case "zsh":
      return ZSH;
    case "fish":
      return FISH;
  }
}
