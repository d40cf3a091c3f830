# Sources the code and then the tests in one shell, below this one, which alone knows how their end is told.
news=$ASSAY_NEWS_FD
# Names: functions to take away, tests to look at, variables of the tests and those of them that the code only declares, and functions that
# must not be there at the end.
taken=$ASSAY_TAKEN guarded=$ASSAY_GUARDED assigned=$ASSAY_ASSIGNED once=$ASSAY_ONCE late=$ASSAY_LATE
tools=$ASSAY_TOOLS leave=$ASSAY_LEAVE
unset ASSAY_NEWS_FD ASSAY_TAKEN ASSAY_GUARDED ASSAY_ASSIGNED ASSAY_ONCE ASSAY_LATE ASSAY_TOOLS ASSAY_LEAVE
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
loud=no
[[ $tests != *'set -'*v* ]] || loud=yes
# The tests' own last line tells of it, with half of the token, unless they leave before it.
half=16
[ "$leave" = no ] || half=0
# What is compared with a number and is none is no answer, whichever way the tests ask: an error is neither equal nor unequal. And an answer
# that is an expression makes more words of a test than there are in its text.
guards=
for name in $guarded; do
  case $name in
    assay_number)
      guards+="assay_number() {
        local assay_value=none
        case \$1 in
          *[![:alnum:][:space:]_#+*/%\\(\\)-]* | [a-zA-Z_]* | *[![:alnum:]_#][a-zA-Z_]*) ;;
          *) builtin let \"assay_value=(\${1:-0})\" 2> /dev/null || : ;;
        esac
        [[ \$assay_value != none ]] || builtin printf n >&$told
      }
      assay_plain() { assay_number \"\${1:-none}\"; builtin printf %s \"\$1\"; }
      readonly -f assay_number assay_plain
      " ;;
    *)
      words=
      [ "$name" = "${name#+}" ] || words="case \"\$# \${FUNCNAME[1]} \$* \" in [1-4]' '*) ;; *' source '*' -o '* | *' source '*' -a '*) builtin printf x >&$told ;; esac"
      name=${name#+}
      guards+="$name() {
        $words
        builtin $name \"\$@\" || {
          set -- \$? \"\$@\"
          case \"\$* \" in '2 '*' -'[nlg][et]' '*) builtin [ /dev/fd/2 -ef /dev/null ] || builtin printf n >&$told ;; esac
          return \$1
        }
      }
      readonly -f $name
      " ;;
  esac
done
# What tests decide by: functions, aliases and programs of the code under these names are taken away before them.
words="[ test true false : . source eval exec exit set unset trap return export readonly shift printf echo read command builtin enable declare typeset local let shopt alias unalias hash"
grammar="[[ ]] { } ! if then elif else fi case esac for while until do done in function select time coproc"
# The token is in no variable of the inner shell, and its text is parsed before any of the code runs. In POSIX mode the special builtins
# go before functions, so that those can be taken away by a word that nobody has replaced.
eval "(
  exec $news>&-
  unset secret nonce token forged told news from tests name lenient moves loud half leave tools words grammar assigned once taken guarded guards late
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
    unset BASH_ENV ENV BASH_COMPAT PYTHONPATH PYTHONSTARTUP NODE_OPTIONS
    PATH=${PATH@Q}:\$PATH
    hash -r
    shopt -u extdebug
    unset assay_word POSIXLY_CORRECT
    set +o posix
    $guards
    set -e
    . <(printf '%s\n\n%s\n' ${tests@Q} 'builtin printf %s ${token:0:half} >&$told')
    if [[ \$PATH != ${PATH@Q}:* && $moves == no ]]; then
      for assay_word in $tools; do
        case \$(type -P \"\$assay_word\") in '' | \$(PATH=${PATH@Q}; type -P \"\$assay_word\")) ;; *) exit $forged ;; esac
      done
    fi
    for assay_word in \"\${!BASH_CMDS[@]}\"; do
      case \${BASH_CMDS[\$assay_word]-} in */\"\$assay_word\") ;; *) exit $forged ;; esac
    done
    if [[ \$- != *e* && $lenient == no || \$- == *v* && $loud == no ]] || shopt -q extdebug; then exit $forged; fi
    for assay_word in 31 32 40 41 42 43 44; do if shopt -q compat\$assay_word; then exit $forged; fi; done
    if [[ -n \$(POSIXLY_CORRECT=1; unset -f declare alias; set +o posix; declare -F $late; alias $words $grammar 2> /dev/null) ]]; then exit $forged; fi
    printf %s ${token:half} >&$told
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
elif [ "$status" -eq 0 ] && [[ $heard != n* ]]; then
  exit 0
else
  why="a command of the tests ended with status $status"
  [ "$status" -gt 0 ] || why='an answer that is compared with a number is none'
  printf "%s 2 ('error', 'AssertionFailed', '%s', '')\n%s 3 ('finish',)\n" "$nonce" "$why" "$nonce" >&"$news"
fi
