# Sources the code and then the tests in one shell, below this one, which alone knows how their end is told.
news=$ASSAY_NEWS_FD
unset ASSAY_NEWS_FD
secret=$(od -An -N33 -tx1 /dev/urandom | tr -d ' \n')
nonce=${secret:0:32} token=${secret:32:32}
forged=$((16#${secret:64:2} % 100 + 100))
printf "%s\n%s 0 ('ready',)\n%s 1 ('start', 'script')\n" "$nonce" "$nonce" "$nonce" >&"$news"
from=${EPOCHREALTIME/[.,]/}
tests=$(< ./solution.test.sh)
rm -f ./solution.test.sh # The code is not to read what is expected of it.
lenient=no
[[ $tests != *'set +'* ]] || lenient=yes # The tests themselves may go on after errors.
assigned= # Names that the tests give a value to: none of them is to be another name of one.
while IFS= read -r line; do
  if [[ $line =~ ^[[:space:]]*([a-zA-Z_][a-zA-Z0-9_]*)= ]]; then assigned+=" ${BASH_REMATCH[1]}"; fi
done <<< "$tests"
exec {told}<> <(:)
# What tests decide by: functions, aliases and programs of the code under these names are taken away before them.
words="[ test true false : . source eval exec exit set unset trap return export readonly shift printf echo read command builtin enable declare typeset local let shopt alias unalias hash"
grammar="[[ ]] { } ! if then elif else fi case esac for while until do done in function select time coproc"
# The token is in no variable of the inner shell, and its text is parsed before any of the code runs. In POSIX mode the special builtins
# go before functions, so that those can be taken away by a word that nobody has replaced.
eval "(
  exec $news>&-
  unset secret nonce token forged told news from tests lenient words grammar assigned line BASH_EXECUTION_STRING
  . ./solution.sh
  POSIXLY_CORRECT=1
  if [[ \$SHELLOPTS == *posix* ]]; then
    trap - EXIT ERR DEBUG RETURN
    unset -f $words diff cmp command_not_found_handle || exit $forged
    enable $words
    for assay_word in $words $grammar; do unalias \"\$assay_word\" 2> /dev/null || :; done
    for assay_word in $assigned; do declare +n \"\$assay_word\" 2> /dev/null || :; done
    unset BASH_ENV ENV
    PATH=${PATH@Q}:\$PATH
    hash -r
    shopt -u extdebug
    unset assay_word POSIXLY_CORRECT
    set +o posix
    set -e
    . <(printf '%s\n' ${tests@Q})
    if [[ \$- != *e* && $lenient == no || -n \$(declare -F [ set) ]]; then exit $forged; fi
    printf %s $token >&$told
    exit 0
  fi
)"
status=$?
ms=$((${EPOCHREALTIME/[.,]/} - from))
read -r -t 0.01 -N ${#token} -u "$told" heard
if [ "$status" -eq "$forged" ]; then
  printf "%s 2 ('tamper', 'the code changed how the shell decides')\n%s 3 ('finish',)\n" "$nonce" "$nonce" >&"$news"
elif [ "$status" -eq 0 ] && [ "$heard" = "$token" ]; then
  printf "%s 2 ('done', 'script', 'passed', %d.%03d, '', '')\n%s 3 ('finish',)\n" "$nonce" $((ms / 1000)) $((ms % 1000)) "$nonce" >&"$news"
elif [ "$status" -eq 0 ]; then
  exit 0
else
  printf "%s 2 ('error', 'AssertionFailed', 'a command of the tests ended with status %d', '')\n%s 3 ('finish',)\n" "$nonce" "$status" "$nonce" >&"$news"
fi
