# SPDX-License-Identifier: MIT
#
# complete.zsh DIRECTORY LINE... - what zsh makes of lines at whose ends a tab is
# typed, with the completions in DIRECTORY: a line for each. It is asked in a
# terminal, as it is meant to be; the command is a function that writes down what it
# is given.
zmodload zsh/zpty || exit 77
zpty z 'TERM=vt100 zsh -f -i' || exit 77

: >completed
zpty -w z "unsetopt beep automenu autolist; fpath=(${(q)1} \$fpath)
autoload -Uz compinit; compinit -D -u
cop() { print -r -- \${(j:|:)@} >>completed; }
compdef '_arguments \"*:word:(alpha beta)\"' uniquecommand"

# The next line is typed when this one has come to something.
integer lines=0
for line in ${@:2}; do
    zpty -w z $line$'\t'
    (( ++lines ))
    while (( $(wc -l <completed) < lines )); do
        zpty -r -t z out && said+=$out
        (( SECONDS < 50 )) && sleep 0.02 && continue
        print -r -u 2 -- "nothing comes of '$line': $said"
        exit 1
    done
done
zpty -d z
cat completed
