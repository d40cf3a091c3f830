# Sets `home`, where Assay installed below `root` keeps its files: `ASSAY_HOME`, else with the checkout, or with the user of an installed package,
# whose own folder npm may empty at any time.
case $root in
  */node_modules/*) home=${ASSAY_HOME:-$HOME/.assay} ;;
  *) home=${ASSAY_HOME:-$root/.assay} ;;
esac
