# SPDX-License-Identifier: MIT
#
# complete.zsh DIRECTORY LINE - what zsh makes of a line at whose end a tab is
# typed, with the completions in DIRECTORY. It is asked in a terminal, as it is
# meant to be; the command is a function that writes down what it is given.
zmodload zsh/zpty || exit 77

zpty z 'TERM=vt100 zsh -f -i'
zpty -w z "unsetopt beep automenu; fpath=(${(q)1} \$fpath)
autoload -Uz compinit; compinit -D -u
cop() { print -r -- \${(j:|:)@} >completed; }
compdef '_arguments \"*:word:(alpha beta)\"' uniquecommand"
zpty -w z "$2"$'\t'
zpty -w z exit
while zpty -r z out; do :; done
cat completed
rm completed
