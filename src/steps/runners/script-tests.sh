# Sources the code and then the tests in one shell, below this one, which alone knows how their end is told.
news=$ASSAY_NEWS_FD
unset ASSAY_NEWS_FD
nonce=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
end=$((16#${nonce:0:2} % 100 + 100))
printf "%s\n%s 0 ('ready',)\n%s 1 ('start', 'script')\n" "$nonce" "$nonce" "$nonce" >&"$news"
from=${EPOCHREALTIME/[.,]/}
# The number is in no variable of the inner shell, and its text is parsed before any of the code runs.
eval "(
  exec $news>&-
  unset nonce end news from BASH_EXECUTION_STRING
  . ./solution.sh
  POSIXLY_CORRECT=1
  trap - EXIT ERR DEBUG RETURN
  unset POSIXLY_CORRECT
  set +o posix
  set -e
  . ./solution.test.sh
  exit $end
)"
status=$?
ms=$((${EPOCHREALTIME/[.,]/} - from))
if [ "$status" -eq "$end" ]; then
  printf "%s 2 ('done', 'script', 'passed', %d.%03d, '', '')\n%s 3 ('finish',)\n" "$nonce" $((ms / 1000)) $((ms % 1000)) "$nonce" >&"$news"
elif [ "$status" -eq 0 ]; then
  exit 0
else
  printf "%s 2 ('error', 'AssertionFailed', 'a command of the tests ended with status %d', '')\n%s 3 ('finish',)\n" "$nonce" "$status" "$nonce" >&"$news"
fi
