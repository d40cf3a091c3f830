# Sources the code and then the tests in one shell, below this one, which alone knows how their end is told.
news=$ASSAY_NEWS_FD
# Names: functions to take away, tests to look at, variables of the tests and those of them that the code only declares, and functions that
# must not be there at the end.
taken=$ASSAY_TAKEN guarded=$ASSAY_GUARDED assigned=$ASSAY_ASSIGNED once=$ASSAY_ONCE late=$ASSAY_LATE
unset ASSAY_NEWS_FD ASSAY_TAKEN ASSAY_GUARDED ASSAY_ASSIGNED ASSAY_ONCE ASSAY_LATE
secret=$(od -An -N33 -tx1 /dev/urandom | tr -d ' \n')
nonce=${secret:0:32} token=${secret:32:32}
exec {told}<> <(:)
forged=$((16#${secret:64:2} % 100 + 100))
printf "%s\n%s 0 ('ready',)\n%s 1 ('start', 'script')\n" "$nonce" "$nonce" "$nonce" >&"$news"
from=${EPOCHREALTIME/[.,]/}
tests=$(< ./solution.test.sh)
moves=no
[[ $tests != *PATH* ]] || moves=yes # And change where programs are.
rm -f ./solution.test.sh # The code is not to read what is expected of it.
lenient=no
[[ $tests != *'set +'* ]] || lenient=yes # The tests themselves may go on after errors.
# An answer that is an expression is no answer: it makes more words of a test than there are in its text.
guards=
for name in $guarded; do
  if [ "$name" = assay_plain ]; then
    guards+='assay_plain() { case $1 in *[!0-9a-zA-Z_#[:space:]+-]* | [a-zA-Z_]* | *[[:space:]+-][a-zA-Z_]*) builtin printf "0 0" ;; *) builtin printf %s "$1" ;; esac; }
  readonly -f assay_plain
  '
    continue
  fi
  guards+="$name() {
    case \"\$# \${FUNCNAME[1]} \$* \" in [1-4]' '*) ;; *' source '*' -o '* | *' source '*' -a '*) builtin printf x >&$told ;; esac
    case \"\${2-}\" in -ne) case \"\$1\" in *[!0-9[:space:]+-]*) return 0 ;; esac ;; esac # No number is equal to one.
    builtin $name \"\$@\"
  }
  readonly -f $name
  "
done
# What tests decide by: functions, aliases and programs of the code under these names are taken away before them.
words="[ test true false : . source eval exec exit set unset trap return export readonly shift printf echo read command builtin enable declare typeset local let shopt alias unalias hash"
grammar="[[ ]] { } ! if then elif else fi case esac for while until do done in function select time coproc"
# The token is in no variable of the inner shell, and its text is parsed before any of the code runs. In POSIX mode the special builtins
# go before functions, so that those can be taken away by a word that nobody has replaced.
eval "(
  exec $news>&-
  unset secret nonce token forged told news from tests name lenient moves words grammar assigned once taken guarded guards late
  unset BASH_EXECUTION_STRING
  . ./solution.sh
  POSIXLY_CORRECT=1
  if [[ \$SHELLOPTS == *posix* ]]; then
    set +o xtrace +o verbose
    trap - EXIT ERR DEBUG RETURN
    unset -f $words $taken $guarded diff cmp command_not_found_handle || exit $forged
    enable $words
    for assay_word in $words $grammar; do unalias \"\$assay_word\" 2> /dev/null || :; done
    for assay_word in $assigned; do declare +n \"\$assay_word\" 2> /dev/null || :; done
    if [[ -n '$assigned' ]]; then declare +u +l $assigned 2> /dev/null || :; fi
    if [[ -n '$once' ]]; then declare +i $once 2> /dev/null || :; fi
    unset BASH_ENV ENV PYTHONPATH PYTHONSTARTUP NODE_OPTIONS
    PATH=${PATH@Q}:\$PATH
    hash -r
    shopt -u extdebug
    unset assay_word POSIXLY_CORRECT
    set +o posix
    $guards
    set -e
    . <(printf '%s\n' ${tests@Q})
    if [[ \$PATH != ${PATH@Q}:* && $moves == no ]]; then
      for assay_word in diff cmp grep cat sort wc sed awk; do
        case \$(type -P \"\$assay_word\") in \"\$PWD\"/* | /tmp/* | ~/*) exit $forged ;; esac
      done
    fi
    for assay_word in diff cmp grep cat sort wc sed awk; do
      case \${BASH_CMDS[\$assay_word]-} in '' | */\$assay_word) ;; *) exit $forged ;; esac
    done
    if [[ \$- != *e* && $lenient == no || -n \$(POSIXLY_CORRECT=1; unset -f declare; set +o posix; declare -F $late) ]] || shopt -q extdebug; then exit $forged; fi
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
